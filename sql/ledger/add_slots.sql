-- Stage slots read from a plan file.
-- Grain: one slot per row of the relation staged (the columns of slot) whose call is not made yet: a recovered ledger
-- stages anew what was called just before. Order: scheduled_at.
insert into slot (
    campaign_id, plan_version, contact_id, attempt, phone, from_number, variables, timezone, zone_changed,
    scheduled_at, not_after, call_date, slot_index, snapshot, has_new_zone
)
select
    campaign_id, plan_version, contact_id, attempt, phone, from_number, variables, timezone, zone_changed,
    scheduled_at, not_after, call_date, slot_index, snapshot, has_new_zone
from staged
where
    not exists (
        select 1
        from call
        where
            call.campaign_id = staged.campaign_id
            and call.contact_id = staged.contact_id
            and call.attempt = staged.attempt
    )
order by scheduled_at
