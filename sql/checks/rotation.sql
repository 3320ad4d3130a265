-- Rule: over the rows in scheduled_at order, round_robin gives the numbers their turns, going on from version to
-- version and date to date and leaving out who has no room on a date; sequential uses up each number's share of
-- the date in listed order; random uses the campaign's numbers.
-- Grain: one row per planned call with another number than its turn, or per date and number left out too early.
-- Reads plan, outbound_number (number, turn: 0-based), standing (kind, call_date, from_number), rules (rotation,
-- max_calls_per_number_per_day, first_turn).
--
-- A number's calls on a date fill its rounds 0, 1, …; the key of a call is its round, then how far its number is
-- from the one whose turn it is first on the date. Turns are right when keys rise along the date and no number
-- that still had room has a smaller key left than one that was used.
with number_count as (
    select count(*) as numbers from outbound_number
),

turned as (
    select
        plan.contact_id,
        plan.attempt,
        plan.from_number,
        plan.call_date,
        plan.row_number,
        outbound_number.turn
    from plan
    left join outbound_number on outbound_number.number = plan.from_number
),

stood as (
    select call_date, from_number, count(*) as calls
    from standing
    where kind in ('started', 'kept')
    group by call_date, from_number
),

calls_of_date as (
    select call_date, min(row_number) as first_row, max(row_number) as last_row
    from turned
    group by call_date
),

first_turn_of_date as (
    select
        calls_of_date.call_date,
        coalesce(
            lag(turned.turn) over (order by calls_of_date.call_date) + 1, rules.first_turn
        ) as first_turn
    from calls_of_date
    inner join turned on turned.row_number = calls_of_date.last_row
    cross join rules
),

in_rounds as (
    select
        turned.*,
        row_number() over (partition by turned.call_date, turned.turn order by turned.row_number) - 1 as round
    from turned
    cross join rules
    where rules.rotation != 'random'
),

keyed as (
    select
        in_rounds.*,
        case
            when rules.rotation = 'round_robin'
                then
                    in_rounds.round * number_count.numbers
                    + (in_rounds.turn - first_turn_of_date.first_turn + 2 * number_count.numbers)
                    % number_count.numbers
            else in_rounds.turn * 1000000000000 + in_rounds.round
        end as key
    from in_rounds
    inner join first_turn_of_date on first_turn_of_date.call_date = in_rounds.call_date
    cross join number_count
    cross join rules
),

beside as (
    select *, lag(key) over (partition by call_date order by row_number) as key_before from keyed
),

last_key as (
    select call_date, max(key) as key, max(turn) as turn, count(*) as calls from keyed group by call_date
),

used as (
    select
        last_key.call_date,
        last_key.key as last_key,
        last_key.turn as last_turn,
        outbound_number.number,
        outbound_number.turn,
        coalesce(mine.calls, 0) as calls,
        coalesce(stood.calls, 0) as stood,
        rules.max_calls_per_number_per_day - coalesce(stood.calls, 0) as room
    from last_key
    cross join outbound_number
    cross join rules
    left join (
        select call_date, turn, count(*) as calls from keyed group by call_date, turn
    ) as mine
        on mine.call_date = last_key.call_date and mine.turn = outbound_number.turn
    left join stood on stood.call_date = last_key.call_date and stood.from_number = outbound_number.number
),

left_out as (
    select
        used.*,
        max(used.calls + used.stood) filter (used.calls > 0) over (partition by used.call_date) as most,
        case
            when rules.rotation = 'round_robin'
                then
                    (used.room is null or used.calls < used.room)
                    and used.calls * number_count.numbers
                    + (used.turn - first_turn_of_date.first_turn + 2 * number_count.numbers) % number_count.numbers
                    < used.last_key
            when used.room is not null then used.turn < used.last_turn and used.calls < used.room
            else false
        end as too_early
    from used
    inner join first_turn_of_date on first_turn_of_date.call_date = used.call_date
    cross join number_count
    cross join rules
)

select
    turned.contact_id,
    turned.attempt,
    case
        when number_count.numbers = 0 then 'is called from ' || turned.from_number || ' although the campaign has no number'
        else 'is called from ' || coalesce(turned.from_number, 'no number') || ', which is not the campaign''s'
    end as problem
from turned
cross join number_count
where
    (number_count.numbers = 0 and turned.from_number is not null)
    or (number_count.numbers > 0 and turned.turn is null)
union all
select contact_id, attempt, 'is called from ' || from_number || ' out of turn' as problem
from beside
where key <= key_before
union all
select
    null::varchar as contact_id,
    null::utinyint as attempt,
    number || ' is left out on ' || call_date || ' although it has room' as problem
from left_out
where too_early
union all
select
    null::varchar as contact_id,
    null::utinyint as attempt,
    number || ' has ' || (calls + stood) || ' calls on ' || call_date || ' and another has ' || most as problem
from left_out
cross join rules
where
    rules.rotation = 'sequential'
    and rules.max_calls_per_number_per_day is null
    and calls + stood < most - 1
