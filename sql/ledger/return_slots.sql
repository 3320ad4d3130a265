-- Stage the slots of calls that go back, where their plan version is still current and their campaign has not ended.
-- One that an older copy of the ledger has not staged yet is staged with the others. Which snapshot of the list a call
-- was read from is not known.
-- Grain: one slot per row of the relation returning_call (campaign_id, contact_id, attempt, lease_id, slot_counts).
insert into slot (
    campaign_id, plan_version, contact_id, attempt, phone, from_number, variables, timezone, zone_changed,
    scheduled_at, not_after, call_date, slot_index
)
select
    call.campaign_id,
    call.plan_version,
    call.contact_id,
    call.attempt,
    call.phone,
    call.from_number,
    call.variables,
    call.timezone,
    false,
    call.scheduled_at,
    call.not_after,
    call.call_date,
    call.slot_index
from returning_call
inner join call
    on call.campaign_id = returning_call.campaign_id
    and call.contact_id = returning_call.contact_id
    and call.attempt = returning_call.attempt
inner join plan_version
    on plan_version.campaign_id = call.campaign_id and plan_version.plan_version = call.plan_version
inner join campaign on campaign.campaign_id = call.campaign_id
where
    returning_call.slot_counts
    and call.scheduled_at < plan_version.staged_until
    and campaign.state not in ('completed', 'cancelled', 'failed')
