-- Forget dispatchers that stopped in order and have no open question.
-- Grain: one row per owner that ended before an instant.
-- $before timestamptz: the instant
delete from owner
where
    ended_at < $before::timestamptz
    and not exists (
        select 1
        from call
        where call.owner_id = owner.owner_id and call.finished_at is null
    )
