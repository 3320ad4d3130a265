-- Rule: numbers are the campaign's own. round_robin takes them in turn over all rows in scheduled_at order;
-- sequential uses them in listed order, each for its cap or for an equal share of the date.
-- Grain: one row per planned call with another number than its turn.
-- Reads plan, outbound_number (number, turn: 0-based), rules (rotation, max_calls_per_number_per_day).
with number_count as (
    select count(*) as numbers from outbound_number
),

ranked as (
    select
        plan.contact_id,
        plan.attempt,
        plan.from_number,
        outbound_number.turn,
        row_number() over (order by plan.scheduled_at) - 1 as row_index,
        row_number() over (partition by plan.call_date order by plan.scheduled_at) - 1 as date_index,
        count(*) over (partition by plan.call_date) as calls
    from plan
    left join outbound_number on outbound_number.number = plan.from_number
),

expected as (
    select
        ranked.contact_id,
        ranked.attempt,
        ranked.from_number,
        ranked.turn,
        number_count.numbers,
        case
            when rules.rotation = 'round_robin' then ranked.row_index % number_count.numbers
            when rules.rotation = 'sequential' and rules.max_calls_per_number_per_day is not null
                then ranked.date_index // rules.max_calls_per_number_per_day
            when rules.rotation = 'sequential'
                then greatest(
                    ranked.date_index // (ranked.calls // number_count.numbers + 1),
                    (ranked.date_index - ranked.calls % number_count.numbers)
                    // greatest(ranked.calls // number_count.numbers, 1)
                )
        end as expected_turn
    from ranked
    cross join rules
    cross join number_count
)

select
    contact_id,
    attempt,
    case
        when numbers = 0 then 'is called from ' || from_number || ' although the campaign has no number'
        when turn is null then 'is called from ' || coalesce(from_number, 'no number') || ', which is not the campaign''s'
        else 'is called from number ' || (turn + 1) || ' although it is the turn of ' || (expected_turn + 1)
    end as problem
from expected
where
    (numbers = 0 and from_number is not null)
    or (numbers > 0 and turn is null)
    or (numbers > 0 and expected_turn is not null and turn != expected_turn)
