-- Rule: contacts are taken in list order, so whoever was moved past a full date stands behind everyone on it.
-- Grain: one row per planned call on a later date than somebody further down the list had a place on.
-- Reads plan, contact (contact_id, attempt, position: place in the list), opening (zone, call_date, opens_at,
-- closes_at), date_before (call_date, room: for the rows of the plan, null without a cap), rules (spacing_us,
-- reserve_us). Slots that are carried over are no contact's turn and do not stand in contact.
with of_zone as materialized (
    select
        plan.timezone,
        plan.call_date,
        min(contact.position) as first_position,
        max(contact.position) as last_position,
        count(*) as calls
    from plan
    inner join contact on contact.contact_id = plan.contact_id and contact.attempt = plan.attempt
    group by plan.timezone, plan.call_date
),

full_date as (
    select plan.call_date
    from plan
    inner join date_before on date_before.call_date = plan.call_date
    group by plan.call_date
    having count(*) >= any_value(date_before.room)
),

last_of_date as (
    select of_zone.call_date, max(of_zone.last_position) as position
    from of_zone
    semi join full_date on full_date.call_date = of_zone.call_date
    group by of_zone.call_date
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

full_until as (
    select
        open_date.zone,
        open_date.call_date,
        least(
            last_of_date.position,
            case when of_zone.calls >= open_date.holds then of_zone.last_position end
        ) as position
    from open_date
    left join last_of_date on last_of_date.call_date = open_date.call_date
    left join of_zone on of_zone.timezone = open_date.zone and of_zone.call_date = open_date.call_date
    where open_date.holds > 0
),

passed_by as (
    select
        zone,
        call_date,
        max(position) over (
            partition by zone order by call_date rows between unbounded preceding and 1 preceding
        ) as position
    from full_until
),

wrong_zone as (
    select of_zone.timezone, of_zone.call_date, passed_by.position
    from of_zone
    inner join passed_by on passed_by.zone = of_zone.timezone and passed_by.call_date = of_zone.call_date
    where of_zone.first_position < passed_by.position
),

suspect as materialized (
    select plan.contact_id, plan.attempt, plan.call_date, wrong_zone.position
    from plan
    inner join wrong_zone on wrong_zone.timezone = plan.timezone and wrong_zone.call_date = plan.call_date
)

select
    suspect.contact_id,
    suspect.attempt,
    'is called on ' || suspect.call_date || ' although someone further down the list has an earlier date'
        as problem
from contact
inner join suspect on suspect.contact_id = contact.contact_id and suspect.attempt = contact.attempt
where contact.position < suspect.position
