-- Two plans side by side; a later version of a contact's attempt takes the place of an earlier one.
-- Grain: one row per contact and attempt of either plan; change is null where both plan the same.
-- Reads old_plan, new_plan (contact_id, attempt, plan_version, scheduled_at, from_number).
create view beside as
with old_slot as (
    select
        contact_id,
        attempt,
        max_by(scheduled_at, plan_version) as scheduled_at,
        max_by(from_number, plan_version) as from_number
    from old_plan
    group by contact_id, attempt
),

new_slot as (
    select
        contact_id,
        attempt,
        max_by(scheduled_at, plan_version) as scheduled_at,
        max_by(from_number, plan_version) as from_number
    from new_plan
    group by contact_id, attempt
)

select
    coalesce(old_slot.contact_id, new_slot.contact_id) as contact_id,
    coalesce(old_slot.attempt, new_slot.attempt) as attempt,
    case
        when old_slot.contact_id is null then 'added'
        when new_slot.contact_id is null then 'dropped'
        when old_slot.scheduled_at != new_slot.scheduled_at then 'moved'
        when old_slot.from_number is distinct from new_slot.from_number then 'renumbered'
    end as change,
    old_slot.scheduled_at as before_at,
    new_slot.scheduled_at as after_at,
    old_slot.from_number as before_number,
    new_slot.from_number as after_number
from old_slot
full join new_slot on new_slot.contact_id = old_slot.contact_id and new_slot.attempt = old_slot.attempt
