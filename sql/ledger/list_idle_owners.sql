-- The dispatchers that stopped, or started and have not stopped, some time ago and have no call open.
-- Grain: one row per owner. Order: owner_id.
-- $before timestamptz: until when that was
select owner.owner_id, owner.ended_at is not null as has_ended
from owner
where
    coalesce(owner.ended_at, owner.started_at) < $before::timestamptz
    and not exists (
        select 1
        from call
        where call.owner_id = owner.owner_id and call.finished_at is null
    )
order by owner.owner_id
