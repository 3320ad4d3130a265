-- Rule: a call starts in a window, on a working day that is neither blacked out nor a holiday, both read
-- on the wall clock of the row's zone, of all of them where it has several; not before its publication may plan
-- and before the end of the campaign.
-- Grain: one row per planned call outside, with every rule it breaks.
-- Reads plan, clock (zone, from_at, offset_seconds), open_window (weekday, opens_us, closes_us),
-- closed_date (day), rules (from_at, stops_at).
--
-- Windows and clocks change at whole minutes, so calls are judged a minute at a time.
with minute as (
    select
        timezone,
        epoch_us(scheduled_at) // 60000000 as minute,
        min(scheduled_at) as first_at,
        max(scheduled_at) as last_at
    from plan
    group by timezone, minute
),

in_zone as (
    select timezone, minute, first_at, last_at, unnest(string_split(timezone, '|')) as zone
    from minute
),

local_clock as (
    select
        in_zone.timezone,
        in_zone.minute,
        in_zone.first_at,
        in_zone.last_at,
        clock.zone as known_zone,
        in_zone.first_at::timestamp + to_seconds(clock.offset_seconds) as starts_local
    from in_zone
    asof left join clock on in_zone.zone = clock.zone and in_zone.first_at >= clock.from_at
),

judged as (
    select
        local_clock.timezone,
        local_clock.minute,
        concat_ws(
            '; ',
            case when local_clock.known_zone is null then 'its zone has no clock' end,
            case
                when open_window.weekday is null
                    then 'starts outside the windows, at ' || local_clock.starts_local || ' local time'
            end,
            case
                when closed_date.day is not null
                    then 'starts on a closed date, ' || closed_date.day
            end,
            case when local_clock.first_at < rules.from_at then 'starts before it may, ' || rules.from_at end,
            case
                when local_clock.last_at >= rules.stops_at
                    then 'starts at or after the end, ' || rules.stops_at
            end
        ) as problem
    from local_clock
    cross join rules
    left join closed_date on closed_date.day = local_clock.starts_local::date
    left join open_window
        on open_window.weekday = isodow(local_clock.starts_local)
        and epoch_us(local_clock.starts_local) % 86400000000 >= open_window.opens_us
        and epoch_us(local_clock.starts_local) % 86400000000 < open_window.closes_us
),

wrong_minute as (
    select timezone, minute, string_agg(problem, '; ') as problem
    from judged
    where problem != ''
    group by timezone, minute
)

select plan.contact_id, plan.attempt, wrong_minute.problem
from plan
inner join wrong_minute
    on wrong_minute.minute = epoch_us(plan.scheduled_at) // 60000000
    and wrong_minute.timezone is not distinct from plan.timezone
