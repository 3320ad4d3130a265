-- The unknown calls that may be dialled again under their key, because the provider knows it for that long and the
-- call may be made now. A call of a dispatcher that lives is that dispatcher's own.
-- Grain: one row per call (the columns of request). Order: dials, noted_at.
-- $now timestamptz: the instant; $owner_id varchar: who asks; $most_dials integer: how often a call is dialled at most
-- $replay_every interval: how long a repeated dial waits for word before the next
select *
from request
where
    state = 'unknown'
    and finished_at is null
    and provider_call_id is null
    and owner_id = $owner_id::varchar
    and not_after > $now::timestamptz
    and deadline_at > $now::timestamptz
    and campaign_state in ('scheduled', 'active')
    and dials < $most_dials::integer
    and noted_at <= $now::timestamptz -- else by a clock that was wrong: its age is not known
    and (dials = 1 or changed_at + $replay_every::interval <= $now::timestamptz)
    and not exists (
        select 1
        from skip
        where skip.campaign_id = request.campaign_id and skip.contact_id = request.contact_id
    )
order by dials, noted_at
