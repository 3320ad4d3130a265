-- The calls of a campaign that have been claimed or more, as a publication finds them.
-- Grain: one row per call. Order: none.
-- $campaign_id varchar: the campaign
select
    contact_id, attempt, 'started' as kind, plan_version, from_number, timezone, null::varchar as timezone_source,
    scheduled_at, call_date, slot_index
from call
where campaign_id = $campaign_id::varchar
