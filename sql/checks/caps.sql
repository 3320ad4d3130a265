-- Rule: no date holds more calls than it has room for, and no outbound number more than its cap on a date, calls
-- started and slots kept included.
-- Grain: one row per date, or per date and number, above its cap; contact_id is null.
-- Reads plan, date_before (call_date, room: for the rows of the plan, null without a cap), standing (kind, call_date,
-- from_number), rules (max_calls_per_number_per_day).
with of_date as (
    select
        null::varchar as contact_id,
        null::utinyint as attempt,
        plan.call_date || ' holds ' || count(*) || ' calls and has room for ' || any_value(date_before.room)
            as problem
    from plan
    inner join date_before on date_before.call_date = plan.call_date
    group by plan.call_date
    having count(*) > any_value(date_before.room)
),

planned as (
    select call_date, from_number, count(*) as calls
    from plan
    group by call_date, from_number
),

stood as (
    select call_date, from_number, count(*) as calls
    from standing
    where kind in ('started', 'kept')
    group by call_date, from_number
),

of_number as (
    select
        null::varchar as contact_id,
        null::utinyint as attempt,
        planned.from_number || ' makes ' || (planned.calls + coalesce(stood.calls, 0)) || ' calls on '
        || planned.call_date || ', its cap is ' || rules.max_calls_per_number_per_day as problem
    from planned
    cross join rules
    left join stood on stood.call_date = planned.call_date and stood.from_number = planned.from_number
    where planned.calls + coalesce(stood.calls, 0) > rules.max_calls_per_number_per_day
)

select contact_id, attempt, problem from of_date
union all
select contact_id, attempt, problem from of_number
