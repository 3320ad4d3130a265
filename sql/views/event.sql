-- Every change of state of a campaign or a call.
-- Grain: one row per change. Reads event_now, past_event.
create view event as
select * from event_now
union all by name
select * exclude (filename) from past_event
