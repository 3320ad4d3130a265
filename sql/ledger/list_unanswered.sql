-- The calls of a claim that are still claimed, noted or not.
-- Grain: one row per call.
-- $lease_id varchar: the claim
select campaign_id, contact_id, attempt, lease_id, noted_at is not null as was_noted
from call
where lease_id = $lease_id::varchar and state = 'claimed'
