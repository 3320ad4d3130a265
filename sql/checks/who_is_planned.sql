-- Rule: every eligible contact has exactly one row for the attempt that is asked for, as has every slot that is
-- carried over, and nobody else has one.
-- Grain: one row per contact and attempt that is missing, doubled or not eligible.
-- Reads plan, contact (contact_id, attempt, reason: null when eligible), standing (kind, contact_id, attempt).
with expected as (
    select contact_id, attempt, reason from contact
    union all
    select contact_id, attempt, null::varchar as reason from standing where kind = 'carried'
),

planned as (
    select contact_id, attempt, count(*) as row_count
    from plan
    group by contact_id, attempt
)

select
    coalesce(planned.contact_id, expected.contact_id) as contact_id,
    coalesce(planned.attempt, expected.attempt) as attempt,
    case
        when expected.contact_id is null then 'is planned and nobody asked for it'
        when planned.contact_id is null then 'is eligible and is not planned'
        when expected.reason is not null then 'is planned and is not eligible: ' || expected.reason
        else 'is planned ' || planned.row_count || ' times'
    end as problem
from planned
full join expected on expected.contact_id = planned.contact_id and expected.attempt = planned.attempt
where
    expected.contact_id is null
    or (planned.contact_id is null and expected.reason is null)
    or (planned.contact_id is not null and expected.reason is not null)
    or planned.row_count > 1
