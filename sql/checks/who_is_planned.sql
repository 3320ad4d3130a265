-- Rule: every eligible contact has exactly one row per attempt, and nobody else has one.
-- Grain: one row per contact and attempt that is missing, doubled or not eligible.
-- Reads plan, contact (contact_id, reason: null when eligible).
with planned as (
    select contact_id, attempt, count(*) as row_count
    from plan
    group by contact_id, attempt
)

select
    coalesce(planned.contact_id, contact.contact_id) as contact_id,
    planned.attempt,
    case
        when contact.contact_id is null then 'is planned and is no contact of the list'
        when planned.contact_id is null then 'is eligible and is not planned'
        when contact.reason is not null then 'is planned and is not eligible: ' || contact.reason
        else 'is planned ' || planned.row_count || ' times'
    end as problem
from planned
full join contact on contact.contact_id = planned.contact_id
where
    contact.contact_id is null
    or (planned.contact_id is null and contact.reason is null)
    or (planned.contact_id is not null and contact.reason is not null)
    or planned.row_count > 1
