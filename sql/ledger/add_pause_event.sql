-- Append an event for a campaign that was paused once more; its state did not change.
-- Grain: one event.
-- $campaign_id varchar: the campaign; $now timestamptz: the instant
insert into event (campaign_id, happened_at, from_state, to_state)
values ($campaign_id::varchar, $now::timestamptz, 'paused', 'paused')
