-- The unknown calls that may be dialled again under their key, because the provider knows it for that long and the
-- call may be made now. A call of a dispatcher that lives is that dispatcher's own.
-- Grain: one row per call (the columns of list_claimed). Order: noted_at.
-- $now timestamptz: the instant; $owner_id varchar: who asks
select
    call.campaign_id,
    call.contact_id,
    call.attempt,
    call.plan_version,
    call.phone,
    call.from_number,
    call.timezone,
    call.variables,
    campaign.settings ->> 'agent_id' as agent_id,
    call.scheduled_at,
    call.not_after,
    call.call_date,
    call.slot_index,
    call.owner_id,
    call.lease_id,
    call.claimed_at,
    campaign.max_call_minutes,
    campaign.calls_per_second,
    true as replays,
    campaign.dialer,
    call.noted_at
from call
inner join campaign on campaign.campaign_id = call.campaign_id
where
    call.state = 'unknown'
    and call.finished_at is null
    and call.provider_call_id is null
    and call.owner_id = $owner_id::varchar
    and call.not_after > $now::timestamptz
    and call.deadline_at > $now::timestamptz
    and campaign.state in ('scheduled', 'active')
    and not exists (
        select 1
        from skip
        where skip.campaign_id = call.campaign_id and skip.contact_id = call.contact_id
    )
order by call.noted_at
