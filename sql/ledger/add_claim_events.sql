-- Append an event for every call of a claim.
-- Grain: one event per call.
-- $lease_id varchar: the claim
insert into event (campaign_id, contact_id, attempt, happened_at, from_state, to_state, owner_id)
select campaign_id, contact_id, attempt, claimed_at, 'scheduled', 'claimed', owner_id
from call
where lease_id = $lease_id::varchar
