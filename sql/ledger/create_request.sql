-- The calls as a dialer needs to know them (the columns of REQUESTS), with what decides whether one may be dialled.
-- Grain: one row per call. replays is true where the dial was noted before.
create or replace view request as
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
    call.noted_at is not null as replays,
    campaign.dialer,
    campaign.state as campaign_state,
    call.state,
    call.noted_at,
    call.finished_at,
    call.deadline_at,
    call.provider_call_id,
    call.dials,
    call.changed_at
from call
inner join campaign on campaign.campaign_id = call.campaign_id
