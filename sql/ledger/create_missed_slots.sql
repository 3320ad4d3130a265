-- The staged slots that are not called any more: too late, or their window has closed, or, of a first attempt, their
-- contact is in another time zone than it was planned for; and nothing else became of them. A further attempt waits for
-- its time: it would lapse where no date has room for it, and the zone may be corrected until then.
-- Grain: one row per slot. Order: none.
-- judged_at timestamptz: the instant. A slot waits at most late_limit after its time.
create or replace macro missed_slots(judged_at, late_limit) as table
select slot.campaign_id, slot.contact_id, slot.attempt, slot.plan_version
from slot
where
    (slot.has_new_zone and slot.attempt = 1 or judged_at >= least(slot.not_after, slot.scheduled_at + late_limit))
    and exists (
        select 1
        from current_version
        where
            current_version.campaign_id = slot.campaign_id and current_version.plan_version = slot.plan_version
    )
    and not exists (
        select 1
        from call
        where
            call.campaign_id = slot.campaign_id
            and call.contact_id = slot.contact_id
            and call.attempt = slot.attempt
    )
    and not exists (
        select 1
        from skip
        where skip.campaign_id = slot.campaign_id and skip.contact_id = slot.contact_id
    )
    and not exists (
        select 1
        from pending
        where
            pending.campaign_id = slot.campaign_id
            and pending.contact_id = slot.contact_id
            and pending.attempt = slot.attempt
            and pending.plan_version is distinct from slot.plan_version
    )
