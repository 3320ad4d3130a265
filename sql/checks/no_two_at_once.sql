-- Rule: no two calls of a campaign are planned for the same instant, calls started and slots kept included.
-- Grain: one row per planned call at the instant of the row before it, or of a call that stood already.
-- Reads plan, whose rows are in scheduled_at order, standing (kind, contact_id, scheduled_at).
with beside as (
    select contact_id, attempt, scheduled_at, lag(scheduled_at) over () as before_at from plan
)

select contact_id, attempt, 'is planned at the same instant as another, ' || scheduled_at as problem
from beside
where scheduled_at = before_at
union all
select plan.contact_id, plan.attempt, 'is planned at the instant of ' || standing.contact_id || ', which stood before' as problem
from plan
inner join standing on standing.scheduled_at = plan.scheduled_at
where standing.kind in ('started', 'kept')
