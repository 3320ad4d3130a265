-- Rule: the k-th of the n calls of a zone on a date starts k/n into the zone's open time of that date, to
-- within a millisecond; its not_after is where its stretch of open time ends. A slot that is carried over may lie
-- anywhere in the open time.
-- Grain: one row per planned call elsewhere.
-- Reads plan, opening (zone, call_date, opens_at, closes_at), standing (kind, contact_id, attempt), rules
-- (reserve_us).
--
-- Where every call is that close to a k of its own, the k-th of them is that close to k. So each call is given the
-- k that is nearest, and the calls of a zone and date are only ranked when some k was not given.
with carried as materialized (
    select plan.row_number, plan.call_date
    from plan
    semi join standing
        on standing.kind = 'carried' and standing.contact_id = plan.contact_id and standing.attempt = plan.attempt
),

spread as not materialized (
    select plan.row_number, plan.timezone, plan.call_date, plan.scheduled_at, plan.not_after
    from plan
    anti join carried on carried.row_number = plan.row_number
),

of_zone as materialized (
    select timezone, call_date, count(*) as calls from spread group by timezone, call_date
),

stretch as materialized (
    select
        opening.zone,
        opening.call_date,
        opening.opens_at,
        opening.closes_at,
        of_zone.calls,
        dense_rank() over (order by opening.zone, opening.call_date) as zone_date,
        sum(epoch_us(opening.closes_at) - epoch_us(opening.opens_at)) over (
            partition by opening.zone, opening.call_date
        )::bigint as open_us,
        coalesce(
            sum(epoch_us(opening.closes_at) - epoch_us(opening.opens_at)) over (
                partition by opening.zone, opening.call_date
                order by opening.opens_at rows between unbounded preceding and 1 preceding
            ),
            0
        )::bigint as earlier_us
    from opening
    cross join rules
    inner join of_zone on of_zone.timezone = opening.zone and of_zone.call_date = opening.call_date
    where epoch_us(opening.closes_at) - epoch_us(opening.opens_at) > rules.reserve_us
),

open_at as not materialized (
    select
        stretch.zone_date,
        stretch.calls,
        stretch.open_us,
        stretch.earlier_us + epoch_us(spread.scheduled_at) - epoch_us(stretch.opens_at) as open_at_us
    from spread
    inner join stretch
        on stretch.zone = spread.timezone
        and stretch.call_date = spread.call_date
        and stretch.closes_at = spread.not_after
        and spread.scheduled_at >= stretch.opens_at
        and spread.scheduled_at < stretch.closes_at
),

nearest as not materialized (
    select *, (open_at_us * calls + open_us // 2) // open_us as k from open_at
),

given as (
    select zone_date, k // 60 as sixty, bit_or(1::bigint << (k % 60)::integer) as ks
    from nearest
    where k < calls and abs(open_at_us - k * open_us // calls) < 1000
    group by zone_date, sixty
),

evenly_spread as (
    select stretch.zone, stretch.call_date
    from given
    inner join stretch on stretch.zone_date = given.zone_date
    group by stretch.zone, stretch.call_date
    having sum(bit_count(given.ks)) = any_value(stretch.calls)
),

uneven as materialized (
    select of_zone.timezone, of_zone.call_date
    from of_zone
    anti join evenly_spread on evenly_spread.zone = of_zone.timezone and evenly_spread.call_date = of_zone.call_date
),

ranked as (
    select
        spread.*,
        row_number() over (partition by spread.timezone, spread.call_date order by spread.row_number) - 1 as rank
    from spread
    semi join uneven
        on uneven.timezone is not distinct from spread.timezone
        and uneven.call_date is not distinct from spread.call_date
),

placed as (
    select
        ranked.row_number,
        ranked.not_after,
        stretch.closes_at,
        stretch.earlier_us + epoch_us(ranked.scheduled_at) - epoch_us(stretch.opens_at) as open_at_us,
        ranked.rank * stretch.open_us // stretch.calls as due_at_us,
        stretch.zone is not null as is_open
    from ranked
    left join stretch
        on stretch.zone = ranked.timezone
        and stretch.call_date = ranked.call_date
        and ranked.scheduled_at >= stretch.opens_at
        and ranked.scheduled_at < stretch.closes_at
),

kept_open as (
    select
        plan.row_number,
        plan.not_after,
        opening.closes_at,
        opening.zone is not null as is_open
    from plan
    inner join carried on carried.row_number = plan.row_number
    left join opening
        on opening.zone = plan.timezone
        and opening.call_date = plan.call_date
        and plan.scheduled_at >= opening.opens_at
        and plan.scheduled_at < opening.closes_at
),

wrong as (
    select
        row_number,
        case
            when not is_open then 'starts when its zone is not open, or on another date'
            when abs(open_at_us - due_at_us) >= 1000
                then 'is ' || ((open_at_us - due_at_us) / 1000) || ' ms away from its even share'
            else 'may start until ' || not_after || ' although its open time ends at ' || closes_at
        end as problem
    from placed
    where not is_open or abs(open_at_us - due_at_us) >= 1000 or not_after != closes_at
    union all
    select
        row_number,
        case
            when not is_open then 'is carried over to when its zone is not open'
            else 'may start until ' || not_after || ' although its open time ends at ' || closes_at
        end as problem
    from kept_open
    where not is_open or not_after != closes_at
)

select plan.contact_id, plan.attempt, wrong.problem
from plan
inner join wrong on wrong.row_number = plan.row_number
