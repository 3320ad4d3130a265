-- The calls of a campaign that have been claimed or more.
-- Grain: one row per call. Order: scheduled_at.
-- $campaign_id varchar: the campaign
select
    plan_version, contact_id, attempt, phone, from_number, timezone, scheduled_at, not_after, call_date,
    slot_index, state, claimed_at, noted_at, finished_at, deadline_at, provider_call_id, reason
from call
where campaign_id = $campaign_id::varchar
order by scheduled_at
