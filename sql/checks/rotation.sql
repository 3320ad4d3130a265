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
with numbered as materialized (
    select number, turn from outbound_number
),

number_count as (
    select nullif(count(*), 0) as numbers from numbered
),

turned as not materialized (
    select plan.contact_id, plan.attempt, plan.from_number, plan.call_date, plan.row_number, numbered.turn
    from plan
    left join numbered on numbered.number = plan.from_number
),

of_number as materialized (
    select
        call_date,
        from_number,
        turn,
        count(*) as calls,
        min(row_number) as first_row,
        max(row_number) as last_row
    from turned
    group by call_date, from_number, turn
),

strange_number as materialized (
    select of_number.call_date, of_number.from_number
    from of_number
    cross join number_count
    where of_number.turn is null and (of_number.from_number is not null or number_count.numbers is not null)
),

stood as (
    select call_date, from_number, count(*) as calls
    from standing
    where kind in ('started', 'kept')
    group by call_date, from_number
),

calls_of_date as (
    select call_date, min(first_row) as first_row, max(last_row) as last_row
    from of_number
    group by call_date
),

first_turn_of_date as (
    select
        calls_of_date.call_date,
        coalesce(
            lag(of_number.turn) over (order by calls_of_date.call_date) + 1, rules.first_turn
        ) as first_turn
    from calls_of_date
    inner join of_number on of_number.last_row = calls_of_date.last_row
    cross join rules
),

odd_date as (
    select turned.call_date
    from turned
    inner join calls_of_date on calls_of_date.call_date = turned.call_date
    inner join first_turn_of_date on first_turn_of_date.call_date = turned.call_date
    cross join number_count
    cross join rules
    where rules.rotation = 'round_robin'
    group by turned.call_date
    having not bool_and(
        (first_turn_of_date.first_turn + turned.row_number - calls_of_date.first_row) % number_count.numbers
        is not distinct from turned.turn
    )
),

in_rounds as (
    select
        turned.*,
        row_number() over (partition by turned.call_date, turned.turn order by turned.row_number) - 1 as round
    from turned
    semi join odd_date on odd_date.call_date = turned.call_date
),

keyed as (
    select
        in_rounds.*,
        in_rounds.round * number_count.numbers
        + (in_rounds.turn - first_turn_of_date.first_turn + 2 * number_count.numbers) % number_count.numbers as key
    from in_rounds
    inner join first_turn_of_date on first_turn_of_date.call_date = in_rounds.call_date
    cross join number_count
),

beside as (
    select *, lag(key) over (partition by call_date order by row_number) as key_before from keyed
),

last_key as (
    select call_date, max(key) as key from keyed group by call_date
),

share as (
    select
        calls_of_date.call_date,
        outbound_number.number,
        outbound_number.turn,
        of_number.first_row,
        of_number.last_row,
        coalesce(of_number.calls, 0) as calls,
        coalesce(of_number.calls, 0) + coalesce(stood.calls, 0) as all_calls,
        rules.max_calls_per_number_per_day - coalesce(stood.calls, 0) as room,
        rules.rotation,
        rules.max_calls_per_number_per_day
    from calls_of_date
    cross join outbound_number
    cross join rules
    left join of_number on of_number.call_date = calls_of_date.call_date and of_number.turn = outbound_number.turn
    left join stood
        on stood.call_date = calls_of_date.call_date and stood.from_number = outbound_number.number
),

beside_share as (
    select
        share.*,
        max(last_row) over (
            partition by call_date order by turn rows between unbounded preceding and 1 preceding
        ) as last_row_before,
        max(turn) filter (calls > 0) over (partition by call_date) as last_turn,
        max(all_calls) filter (calls > 0) over (partition by call_date) as most
    from share
),

wrong_share as (
    select
        beside_share.*,
        case
            when rotation = 'round_robin'
                then
                    coalesce(calls < room, true)
                    and calls * number_count.numbers
                    + (beside_share.turn - first_turn_of_date.first_turn + 2 * number_count.numbers)
                    % number_count.numbers
                    < last_key.key
            when rotation = 'sequential' and room is not null then turn < last_turn and calls < room
            when rotation = 'sequential' then all_calls < most - 1
            else false
        end as is_left_out,
        rotation = 'sequential'
        and calls > 0
        and (last_row - first_row + 1 != calls or first_row < coalesce(last_row_before, -1)) as is_mixed
    from beside_share
    cross join number_count
    inner join first_turn_of_date on first_turn_of_date.call_date = beside_share.call_date
    left join last_key on last_key.call_date = beside_share.call_date
)

select
    plan.contact_id,
    plan.attempt,
    case
        when number_count.numbers is null then 'is called from ' || plan.from_number || ' although the campaign has no number'
        else 'is called from ' || coalesce(plan.from_number, 'no number') || ', which is not the campaign''s'
    end as problem
from plan
inner join strange_number
    on strange_number.call_date is not distinct from plan.call_date
    and strange_number.from_number is not distinct from plan.from_number
cross join number_count
union all
select contact_id, attempt, 'is called from ' || from_number || ' out of turn' as problem
from beside
where key <= key_before
union all
select
    null::varchar as contact_id,
    null::utinyint as attempt,
    number || ' is left out on ' || call_date || ' although it has room for its share' as problem
from wrong_share
where is_left_out
union all
select
    null::varchar as contact_id,
    null::utinyint as attempt,
    'the calls of ' || number || ' on ' || call_date || ' are not together and in listed order' as problem
from wrong_share
where is_mixed
