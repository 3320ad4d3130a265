-- Stage slots read from a plan file.
-- Grain: one slot per row of the relation staged (the columns of slot). Order: scheduled_at.
insert into slot (
    campaign_id, plan_version, contact_id, attempt, phone, from_number, variables, timezone, zone_changed,
    scheduled_at, not_after, call_date, slot_index, snapshot
)
select
    campaign_id, plan_version, contact_id, attempt, phone, from_number, variables, timezone, zone_changed,
    scheduled_at, not_after, call_date, slot_index, snapshot
from staged
order by scheduled_at
