-- Claim every slot that has fallen due and that no gate holds back: at most one call per contact and attempt. One that
-- was read from an older state of its list waits until it is read again: its campaign was resumed, or its list loaded,
-- just now.
-- Grain: one new call per claimed slot. The slot leaves by delete_claimed in the same transaction.
-- Reads the relation list_now (contact_list, snapshot), which snapshot each list has now.
-- $now timestamptz: the instant the gates are judged at
-- $late_limit interval: how long after its time a slot may still be called
-- $due_until timestamptz: slots up to then are claimed
-- $owner_id varchar: who claims
-- $lease_id varchar: names this claim
-- $dialers varchar[]: the dialers at hand
insert into call (
    campaign_id, contact_id, attempt, plan_version, phone, from_number, variables, timezone, scheduled_at,
    not_after, call_date, slot_index, state, previous_state, owner_id, lease_id, claimed_at, deadline_at,
    changed_at
)
select
    due.campaign_id,
    due.contact_id,
    due.attempt,
    due.plan_version,
    due.phone,
    due.from_number,
    due.variables,
    due.timezone,
    due.scheduled_at,
    due.not_after,
    due.call_date,
    due.slot_index,
    'claimed',
    'scheduled',
    $owner_id::varchar,
    $lease_id::varchar,
    $now::timestamptz,
    $now::timestamptz + to_minutes(campaign.max_call_minutes),
    $now::timestamptz
from due_slots($now::timestamptz, $late_limit::interval, $due_until::timestamptz) as due
inner join campaign on campaign.campaign_id = due.campaign_id
where
    due.held_because is null
    and list_contains($dialers::varchar[], campaign.dialer)
    and exists (
        select 1
        from slot
        inner join list_now on list_now.snapshot = slot.snapshot
        where
            slot.campaign_id = due.campaign_id
            and slot.plan_version = due.plan_version
            and slot.contact_id = due.contact_id
            and slot.attempt = due.attempt
            and list_now.contact_list = campaign.contact_list
    )
qualify
    row_number() over (
        partition by due.campaign_id, due.contact_id, due.attempt order by due.plan_version desc, due.scheduled_at
    ) = 1
order by due.scheduled_at
