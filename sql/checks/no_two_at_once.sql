-- Rule: no two calls of a campaign are planned for the same instant, calls started and slots kept included.
-- Grain: one row per planned call at the instant of another row, or of a call that stood already.
-- Reads plan, standing (kind, contact_id, scheduled_at).
--
-- Where every row is later than the row that was read before it no two are the same; else they are sorted.
with read_before as (
    select
        row_number,
        scheduled_at,
        lag(scheduled_at) over () as before_at,
        lag(row_number) over () as row_before
    from plan
),

unproven as materialized (
    select 1 as one
    from read_before
    where (scheduled_at > before_at and row_before = row_number - 1) is not true and row_number > 0
    limit 1
),

beside as (
    select
        plan.row_number,
        plan.scheduled_at,
        lag(plan.scheduled_at) over (order by plan.scheduled_at) as before_at
    from plan
    semi join unproven on true
)

select plan.contact_id, plan.attempt, 'is planned at the same instant as another, ' || plan.scheduled_at as problem
from plan
inner join beside on beside.row_number = plan.row_number
where beside.scheduled_at = beside.before_at
union all
select
    plan.contact_id,
    plan.attempt,
    'is planned at the instant of ' || standing.contact_id || ', which stood before' as problem
from plan
inner join standing on standing.scheduled_at = plan.scheduled_at
where standing.kind in ('started', 'kept')
