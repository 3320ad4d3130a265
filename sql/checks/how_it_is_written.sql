-- Rule: rows stand in scheduled_at order; call_date is the campaign's own date; slot_index counts within it
-- from the first that is free; one campaign and one version; every call may start before its not_after.
-- Grain: one row per planned call that is written otherwise.
-- Reads plan, clock (zone, from_at, offset_seconds), date_before (call_date, next_index: the first free
-- slot_index), rules (timezone, campaign_id, plan_version).
with campaign_clock as (
    select clock.from_at, clock.offset_seconds
    from clock
    inner join rules on rules.timezone = clock.zone
),

dated as (
    select
        plan.contact_id,
        plan.attempt,
        plan.campaign_id,
        plan.plan_version,
        plan.scheduled_at,
        plan.not_after,
        plan.call_date,
        plan.slot_index,
        plan.row_number,
        (plan.scheduled_at::timestamp + to_seconds(campaign_clock.offset_seconds))::date as local_date,
        row_number() over (partition by plan.call_date order by plan.scheduled_at) - 1
        + coalesce(date_before.next_index, 0) as date_index,
        row_number() over (order by plan.scheduled_at) - 1 as row_index
    from plan
    asof left join campaign_clock on plan.scheduled_at >= campaign_clock.from_at
    left join date_before on date_before.call_date = plan.call_date
),

judged as (
    select
        dated.contact_id,
        dated.attempt,
        concat_ws(
            '; ',
            case when dated.row_number != dated.row_index then 'is out of order' end,
            case
                when dated.call_date is distinct from dated.local_date
                    then 'is on ' || dated.local_date || ', not on ' || dated.call_date
            end,
            case
                when dated.slot_index is distinct from dated.date_index
                    then 'has slot_index ' || dated.slot_index || ' instead of ' || dated.date_index
            end,
            case when dated.scheduled_at >= dated.not_after then 'may not start at its own time' end,
            case when dated.campaign_id != rules.campaign_id then 'is of another campaign' end,
            case when dated.plan_version != rules.plan_version then 'is of another version' end,
            case
                when
                    dated.contact_id is null or dated.scheduled_at is null or dated.not_after is null
                    then 'lacks a value'
            end
        ) as problem
    from dated
    cross join rules
)

select contact_id, attempt, problem
from judged
where problem != ''
