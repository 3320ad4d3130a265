-- Rule: the k-th of the n calls of a zone on a date starts k/n into the zone's open time of that date, to
-- within a millisecond; its not_after is where its stretch of open time ends. A slot that is carried over may lie
-- anywhere in the open time. On a date of one zone, slot_index says which call it is.
-- Grain: one row per planned call elsewhere.
-- Reads plan, opening (zone, call_date, opens_at, closes_at), standing (kind, contact_id, attempt),
-- date_before (call_date, next_index: the first free slot_index), rules (reserve_us).
with carried as materialized (
    select plan.row_number, plan.call_date
    from plan
    semi join standing
        on standing.kind = 'carried' and standing.contact_id = plan.contact_id and standing.attempt = plan.attempt
),

spread as not materialized (
    select plan.row_number, plan.timezone, plan.call_date, plan.scheduled_at, plan.not_after, plan.slot_index
    from plan
    anti join carried on carried.row_number = plan.row_number
),

of_zone as materialized (
    select timezone, call_date, count(*) as calls from spread group by timezone, call_date
),

stretch as (
    select
        opening.zone,
        opening.call_date,
        opening.opens_at,
        opening.closes_at,
        of_zone.calls,
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

mixed_date as materialized (
    select call_date from of_zone group by call_date having count(*) > 1
    union
    select call_date from carried
),

ranked as not materialized (
    select
        spread.row_number,
        spread.timezone,
        spread.call_date,
        spread.scheduled_at,
        spread.not_after,
        spread.slot_index - date_before.next_index as rank
    from spread
    inner join date_before on date_before.call_date = spread.call_date
    anti join mixed_date on mixed_date.call_date = spread.call_date
    union all
    select
        spread.row_number,
        spread.timezone,
        spread.call_date,
        spread.scheduled_at,
        spread.not_after,
        row_number() over (partition by spread.timezone, spread.call_date order by spread.row_number) - 1 as rank
    from spread
    semi join mixed_date on mixed_date.call_date = spread.call_date
),

placed as not materialized (
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

kept as materialized (
    select plan.row_number, plan.timezone, plan.call_date, plan.scheduled_at, plan.not_after
    from carried
    inner join plan on plan.row_number = carried.row_number
),

kept_open as (
    select
        kept.row_number,
        kept.not_after,
        opening.closes_at,
        opening.zone is not null as is_open
    from kept
    left join opening
        on opening.zone = kept.timezone
        and opening.call_date = kept.call_date
        and kept.scheduled_at >= opening.opens_at
        and kept.scheduled_at < opening.closes_at
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
