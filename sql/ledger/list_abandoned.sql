-- The claimed calls of dispatchers that died.
-- Grain: one row per claimed call of an owner in the relation dead_owner (owner_id).
select call.campaign_id, call.contact_id, call.attempt, call.lease_id, call.noted_at is not null as was_noted
from call
inner join dead_owner on dead_owner.owner_id = call.owner_id
where call.state = 'claimed'
