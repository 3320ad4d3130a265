-- Calls whose owner died with the claim in hand may have been dialled: they become unknown and are not
-- dialled again.
-- Grain: one row per claimed call of an owner in the relation dead_owner (owner_id).
-- $now timestamptz: the instant
update call
set
    previous_state = state,
    state = 'unknown',
    changed_at = $now::timestamptz,
    reason = 'its dispatcher died between the claim and the answer'
from dead_owner
where call.state = 'claimed' and call.owner_id = dead_owner.owner_id
