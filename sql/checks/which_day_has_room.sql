-- Rule: a contact gets the earliest campaign-local date on which its zone is open and the date has room, so
-- no call lies behind an open date that was left with room.
-- Grain: one row per planned call behind such a date, which is named.
-- Reads plan, opening (zone, call_date, opens_at, closes_at), date_before (call_date, room: for the rows of the plan,
-- null without a cap), standing (kind, contact_id, attempt), rules (spacing_us, reserve_us).
with carried as not materialized (
    select plan.row_number, plan.timezone, plan.call_date
    from plan
    semi join standing
        on standing.kind = 'carried' and standing.contact_id = plan.contact_id and standing.attempt = plan.attempt
),

all_of_zone as materialized (
    select timezone, call_date, count(*) as calls from plan group by timezone, call_date
),

carried_of_zone as (
    select timezone, call_date, count(*) as calls from carried group by timezone, call_date
),

calls_of_date as (
    select call_date, sum(calls) as calls from all_of_zone group by call_date
),

calls_of_zone as materialized (
    select
        all_of_zone.timezone,
        all_of_zone.call_date,
        all_of_zone.calls - coalesce(carried_of_zone.calls, 0) as calls
    from all_of_zone
    left join carried_of_zone
        on carried_of_zone.timezone = all_of_zone.timezone and carried_of_zone.call_date = all_of_zone.call_date
),

open_date as (
    select
        opening.zone,
        opening.call_date,
        sum(epoch_us(opening.closes_at) - epoch_us(opening.opens_at)) // any_value(rules.spacing_us) as holds
    from opening
    cross join rules
    where epoch_us(opening.closes_at) - epoch_us(opening.opens_at) > rules.reserve_us
    group by opening.zone, opening.call_date
),

roomy_date as (
    select open_date.zone, min(open_date.call_date) as call_date
    from open_date
    left join date_before on date_before.call_date = open_date.call_date
    left join calls_of_date on calls_of_date.call_date = open_date.call_date
    left join calls_of_zone
        on calls_of_zone.timezone = open_date.zone and calls_of_zone.call_date = open_date.call_date
    where
        coalesce(calls_of_zone.calls, 0) < open_date.holds
        and (date_before.room is null or coalesce(calls_of_date.calls, 0) < date_before.room)
    group by open_date.zone
),

behind as materialized (
    select calls_of_zone.timezone, calls_of_zone.call_date, roomy_date.call_date as roomy_date
    from calls_of_zone
    inner join roomy_date
        on roomy_date.zone = calls_of_zone.timezone and roomy_date.call_date < calls_of_zone.call_date
    where calls_of_zone.calls > 0
),

placed_behind as (
    select plan.row_number, plan.contact_id, plan.attempt, plan.call_date, behind.roomy_date
    from plan
    inner join behind on behind.timezone = plan.timezone and behind.call_date = plan.call_date
)

select
    placed_behind.contact_id,
    placed_behind.attempt,
    'is called on ' || placed_behind.call_date || ' although ' || placed_behind.roomy_date || ' has room' as problem
from placed_behind
anti join carried on carried.row_number = placed_behind.row_number
