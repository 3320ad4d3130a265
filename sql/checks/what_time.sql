-- Rule: the k-th of the n calls of a zone on a date starts k/n into the zone's open time of that date, to
-- within a millisecond; its not_after is where its stretch of open time ends. A slot that is carried over may lie
-- anywhere in the open time.
-- Grain: one row per planned call elsewhere.
-- Reads plan, opening (zone, call_date, opens_at, closes_at), standing (kind, contact_id, attempt), rules
-- (reserve_us).
with stretch as (
    select
        zone,
        call_date,
        opens_at,
        closes_at,
        sum(epoch_us(closes_at) - epoch_us(opens_at)) over (partition by zone, call_date) as open_us,
        coalesce(
            sum(epoch_us(closes_at) - epoch_us(opens_at)) over (
                partition by zone, call_date
                order by opens_at rows between unbounded preceding and 1 preceding
            ),
            0
        ) as earlier_us
    from opening
    cross join rules
    where epoch_us(closes_at) - epoch_us(opens_at) > rules.reserve_us
),

carried as (
    select contact_id, attempt from standing where kind = 'carried'
),

spread as (
    select plan.*
    from plan
    anti join carried on carried.contact_id = plan.contact_id and carried.attempt = plan.attempt
),

ranked as (
    select
        contact_id,
        attempt,
        timezone,
        call_date,
        scheduled_at,
        not_after,
        row_number() over (partition by timezone, call_date order by scheduled_at) - 1 as rank,
        count(*) over (partition by timezone, call_date) as calls
    from spread
),

placed as (
    select
        ranked.contact_id,
        ranked.attempt,
        ranked.scheduled_at,
        ranked.not_after,
        stretch.closes_at,
        stretch.earlier_us + epoch_us(ranked.scheduled_at) - epoch_us(stretch.opens_at) as open_at_us,
        (ranked.rank * stretch.open_us::hugeint) // ranked.calls as due_at_us,
        stretch.zone is not null
        and stretch.call_date = ranked.call_date
        and ranked.scheduled_at < stretch.closes_at as is_open
    from ranked
    asof left join stretch on ranked.timezone = stretch.zone and ranked.scheduled_at >= stretch.opens_at
),

kept_open as (
    select
        plan.contact_id,
        plan.attempt,
        plan.not_after,
        opening.closes_at,
        opening.zone is not null
        and opening.call_date = plan.call_date
        and plan.scheduled_at < opening.closes_at as is_open
    from plan
    semi join carried on carried.contact_id = plan.contact_id and carried.attempt = plan.attempt
    asof left join opening on plan.timezone = opening.zone and plan.scheduled_at >= opening.opens_at
)

select
    contact_id,
    attempt,
    case
        when not coalesce(is_open, false) then 'starts when its zone is not open, or on another date'
        when abs(open_at_us - due_at_us) >= 1000
            then 'is ' || ((open_at_us - due_at_us) / 1000) || ' ms away from its even share'
        else 'may start until ' || not_after || ' although its open time ends at ' || closes_at
    end as problem
from placed
where
    not coalesce(is_open, false)
    or abs(open_at_us - due_at_us) >= 1000
    or not_after != closes_at
union all
select
    contact_id,
    attempt,
    case
        when not coalesce(is_open, false) then 'is carried over to when its zone is not open'
        else 'may start until ' || not_after || ' although its open time ends at ' || closes_at
    end as problem
from kept_open
where not coalesce(is_open, false) or not_after != closes_at
