-- Rule: rows stand in scheduled_at order; call_date is the campaign's own date; slot_index counts within it
-- from the first that is free; one campaign and one version; every call may start before its not_after.
-- Grain: one row per planned call that is written otherwise.
-- Reads plan, clock (zone, from_at, offset_seconds), date_before (call_date, next_index: the first free
-- slot_index), rules (timezone, campaign_id, plan_version).
--
-- A date whose rows are right as a whole is not looked at row by row. The row before a row is the one that was read
-- before it, so that nothing is sorted, and that it is the one before it is looked at, too.
with of_date as materialized (
    select
        call_date,
        count(*) as calls,
        min(scheduled_at) as first_at,
        max(scheduled_at) as last_at,
        min(row_number) as first_row,
        min(row_number - slot_index) as least_offset,
        max(row_number - slot_index) as most_offset,
        bool_and(scheduled_at < not_after) as in_time,
        min(campaign_id) as least_campaign,
        max(campaign_id) as most_campaign,
        min(plan_version) as least_version,
        max(plan_version) as most_version,
        count(contact_id) + count(attempt) + count(phone) + count(timezone) + count(timezone_source)
        + count(scheduled_at) + count(not_after) + count(slot_index) as values
    from plan
    group by call_date
),

campaign_clock as (
    select clock.from_at, clock.offset_seconds
    from clock
    inner join rules on rules.timezone = clock.zone
),

edge as (
    select call_date, first_at as edge_at from of_date
    union all
    select call_date, last_at as edge_at from of_date
),

edge_date as (
    select
        edge.call_date,
        coalesce(
            bool_and(
                edge.call_date = (edge.edge_at::timestamp + to_seconds(campaign_clock.offset_seconds))::date
            ),
            false
        ) as is_right
    from edge
    asof left join campaign_clock on edge.edge_at >= campaign_clock.from_at
    group by edge.call_date
),

wrong_date as (
    select of_date.call_date, coalesce(date_before.next_index, 0) as next_index
    from of_date
    cross join rules
    inner join edge_date on edge_date.call_date = of_date.call_date
    left join date_before on date_before.call_date = of_date.call_date
    where
        not edge_date.is_right
        or of_date.least_offset is distinct from of_date.first_row - coalesce(date_before.next_index, 0)
        or of_date.most_offset is distinct from of_date.least_offset
        or not coalesce(of_date.in_time, false)
        or of_date.least_campaign is distinct from rules.campaign_id
        or of_date.most_campaign is distinct from rules.campaign_id
        or of_date.least_version is distinct from rules.plan_version
        or of_date.most_version is distinct from rules.plan_version
        or of_date.values != 8 * of_date.calls
),

dated as (
    select
        plan.*,
        (plan.scheduled_at::timestamp + to_seconds(campaign_clock.offset_seconds))::date as local_date,
        row_number() over (partition by plan.call_date order by plan.row_number) - 1 + wrong_date.next_index
            as date_index
    from plan
    inner join wrong_date on wrong_date.call_date = plan.call_date
    asof left join campaign_clock on plan.scheduled_at >= campaign_clock.from_at
),

judged as (
    select
        dated.contact_id,
        dated.attempt,
        concat_ws(
            '; ',
            case
                when dated.call_date is distinct from dated.local_date
                    then 'is on ' || dated.local_date || ', not on ' || dated.call_date
            end,
            case
                when dated.slot_index is distinct from dated.date_index
                    then 'has slot_index ' || dated.slot_index || ' instead of ' || dated.date_index
            end,
            case when dated.scheduled_at >= dated.not_after then 'may not start at its own time' end,
            case when dated.campaign_id is distinct from rules.campaign_id then 'is of another campaign' end,
            case when dated.plan_version is distinct from rules.plan_version then 'is of another version' end,
            case
                when
                    dated.contact_id is null or dated.attempt is null or dated.phone is null
                    or dated.timezone is null or dated.timezone_source is null
                    or dated.scheduled_at is null or dated.not_after is null or dated.slot_index is null
                    then 'lacks a value'
            end
        ) as problem
    from dated
    cross join rules
),

beside as (
    select
        row_number,
        scheduled_at,
        lag(scheduled_at) over () as before_at,
        coalesce(lag(row_number) over (), -1) as row_before
    from plan
)

select contact_id, attempt, problem
from judged
where problem != ''
union all
select contact_id, attempt, 'lacks its call_date' as problem
from plan
where call_date is null
union all
select plan.contact_id, plan.attempt, 'is out of order' as problem
from plan
inner join beside on beside.row_number = plan.row_number
where beside.scheduled_at < beside.before_at or beside.row_before != beside.row_number - 1
