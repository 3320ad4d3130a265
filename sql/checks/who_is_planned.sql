-- Rule: every eligible contact has exactly one row for the attempt that is asked for, as has every slot that is
-- carried over, and nobody else has one.
-- Grain: one row per contact and attempt that is missing, doubled or not eligible.
-- Reads plan, contact (contact_id, attempt, reason: null when eligible), standing (kind, contact_id, attempt).
--
-- Two sets of the same size with the same sums of hashes are the same; only where these differ, the rows are
-- compared one by one.
with part_sum as (
    select
        count(*) as row_count,
        coalesce(sum(hash(contact_id, attempt)::hugeint), 0) as hashes,
        coalesce(sum(hash(attempt, contact_id, 1)::hugeint), 0) as other_hashes
    from contact
    where reason is null
    union all
    select
        count(*) as row_count,
        coalesce(sum(hash(contact_id, attempt)::hugeint), 0) as hashes,
        coalesce(sum(hash(attempt, contact_id, 1)::hugeint), 0) as other_hashes
    from standing
    where kind = 'carried'
),

expected_sum as (
    select sum(row_count) as row_count, sum(hashes) as hashes, sum(other_hashes) as other_hashes from part_sum
),

planned_sum as (
    select
        count(*) as row_count,
        coalesce(sum(hash(contact_id, attempt)::hugeint), 0) as hashes,
        coalesce(sum(hash(attempt, contact_id, 1)::hugeint), 0) as other_hashes
    from plan
),

differs as (
    select 1 as one
    from expected_sum
    cross join planned_sum
    where
        expected_sum.row_count != planned_sum.row_count
        or expected_sum.hashes != planned_sum.hashes
        or expected_sum.other_hashes != planned_sum.other_hashes
),

planned as (
    select plan.contact_id, plan.attempt, count(*) as row_count
    from plan
    semi join differs on true
    group by plan.contact_id, plan.attempt
),

wanted as (
    select contact.contact_id, contact.attempt, contact.reason
    from contact
    semi join differs on true
    union all
    select standing.contact_id, standing.attempt, null::varchar as reason
    from standing
    semi join differs on true
    where standing.kind = 'carried'
)

select
    coalesce(planned.contact_id, wanted.contact_id) as contact_id,
    coalesce(planned.attempt, wanted.attempt) as attempt,
    case
        when wanted.contact_id is null then 'is planned and nobody asked for it'
        when planned.contact_id is null then 'is eligible and is not planned'
        when wanted.reason is not null then 'is planned and is not eligible: ' || wanted.reason
        else 'is planned ' || planned.row_count || ' times'
    end as problem
from planned
full join wanted on wanted.contact_id = planned.contact_id and wanted.attempt = planned.attempt
where
    wanted.contact_id is null
    or (planned.contact_id is null and wanted.reason is null)
    or (planned.contact_id is not null and wanted.reason is not null)
    or planned.row_count > 1
