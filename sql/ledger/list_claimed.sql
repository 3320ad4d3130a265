-- The calls of one claim that nothing is known of yet.
-- Grain: one row per call. Order: scheduled_at.
-- $lease_id varchar: the claim
select
    campaign_id, contact_id, attempt, phone, from_number, variables, scheduled_at, not_after, claimed_at
from call
where lease_id = $lease_id::varchar and state = 'claimed'
order by scheduled_at
