-- Take over the open questions of dispatchers that died.
-- Grain: one row per unknown call, not closed, of an owner in the relation dead_owner (owner_id).
-- $owner_id varchar: who takes them over
update call
set owner_id = $owner_id::varchar
from dead_owner
where call.owner_id = dead_owner.owner_id and call.state = 'unknown' and call.finished_at is null
