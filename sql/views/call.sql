-- Every call that was claimed: those that are in the ledger now, and those of closed days.
-- Grain: one row per campaign, contact and attempt. Reads call_now, past_call.
create view call as
select * from call_now
union all by name
select * exclude (filename) from past_call
