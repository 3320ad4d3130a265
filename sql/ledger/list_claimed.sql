-- The calls of one claim that have not been noted, with what their campaign says of them.
-- Grain: one row per call. Order: scheduled_at.
-- $lease_id varchar: the claim
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
    false as replays,
    campaign.dialer
from call
inner join campaign on campaign.campaign_id = call.campaign_id
where call.lease_id = $lease_id::varchar and call.state = 'claimed' and call.noted_at is null
order by call.scheduled_at
