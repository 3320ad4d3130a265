-- Rule: no date holds more calls than it has room for, and no outbound number more than its cap on a date.
-- Grain: one row per date, or per date and number, above its cap; contact_id is null.
-- Reads plan, room (call_date, room: null without a cap), rules (max_calls_per_number_per_day).
with of_date as (
    select
        null::varchar as contact_id,
        null::utinyint as attempt,
        plan.call_date || ' holds ' || count(*) || ' calls and has room for ' || any_value(room.room) as problem
    from plan
    inner join room on room.call_date = plan.call_date
    group by plan.call_date
    having count(*) > any_value(room.room)
),

of_number as (
    select
        null::varchar as contact_id,
        null::utinyint as attempt,
        plan.from_number || ' makes ' || count(*) || ' calls on ' || plan.call_date || ', its cap is '
        || any_value(rules.max_calls_per_number_per_day) as problem
    from plan
    cross join rules
    group by plan.call_date, plan.from_number
    having count(*) > any_value(rules.max_calls_per_number_per_day)
)

select contact_id, attempt, problem from of_date
union all
select contact_id, attempt, problem from of_number
