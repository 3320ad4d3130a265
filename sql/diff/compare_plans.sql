-- How two plans differ.
-- Grain: one row. A later version of a contact's attempt takes the place of an earlier one.
-- Reads old_plan, new_plan (contact_id, attempt, plan_version, scheduled_at, call_date, from_number).
with old_slot as (
    select contact_id, attempt, max_by(scheduled_at, plan_version) as scheduled_at,
        max_by(from_number, plan_version) as from_number
    from old_plan
    group by contact_id, attempt
),

new_slot as (
    select contact_id, attempt, max_by(scheduled_at, plan_version) as scheduled_at,
        max_by(from_number, plan_version) as from_number
    from new_plan
    group by contact_id, attempt
),

beside as (
    select
        old_slot.scheduled_at as old_at,
        new_slot.scheduled_at as new_at,
        old_slot.from_number as old_number,
        new_slot.from_number as new_number
    from old_slot
    full join new_slot on new_slot.contact_id = old_slot.contact_id and new_slot.attempt = old_slot.attempt
)

select
    count(*) filter (old_at != new_at) as moved,
    count(*) filter (old_at = new_at and old_number is distinct from new_number) as renumbered,
    count(*) filter (old_at is null) as added,
    count(*) filter (new_at is null) as dropped,
    count(*) filter (old_at = new_at and old_number is not distinct from new_number) as unchanged,
    max(old_at) as finish_before,
    max(new_at) as finish_after
from beside
