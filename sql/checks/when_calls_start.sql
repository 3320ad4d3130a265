-- Rule: a call starts in a window, on a working day that is neither blacked out nor a holiday, both read
-- on the wall clock of the row's zone, of all of them where it has several; not before its publication may plan
-- and before the end of the campaign.
-- Grain: one row per planned call outside, with every rule it breaks.
-- Reads plan, clock (zone, from_at, offset_seconds), open_window (weekday, opens_us, closes_us),
-- closed_date (day), rules (from_at, stops_at).
with in_zone as (
    select contact_id, attempt, scheduled_at, unnest(string_split(timezone, '|')) as zone
    from plan
),

local_clock as (
    select
        in_zone.contact_id,
        in_zone.attempt,
        in_zone.scheduled_at,
        clock.zone as known_zone,
        in_zone.scheduled_at::timestamp + to_seconds(clock.offset_seconds) as scheduled_local
    from in_zone
    asof left join clock on in_zone.zone = clock.zone and in_zone.scheduled_at >= clock.from_at
),

judged as (
    select
        local_clock.contact_id,
        local_clock.attempt,
        concat_ws(
            '; ',
            case when local_clock.known_zone is null then 'its zone has no clock' end,
            case
                when not exists (
                    select 1
                    from open_window
                    where
                        open_window.weekday = isodow(local_clock.scheduled_local)
                        and epoch_us(local_clock.scheduled_local) % 86400000000 >= open_window.opens_us
                        and epoch_us(local_clock.scheduled_local) % 86400000000 < open_window.closes_us
                )
                    then 'starts outside the windows, at ' || local_clock.scheduled_local || ' local time'
            end,
            case
                when exists (
                    select 1 from closed_date where closed_date.day = local_clock.scheduled_local::date
                )
                    then 'starts on a closed date, ' || local_clock.scheduled_local::date
            end,
            case
                when local_clock.scheduled_at < rules.from_at
                    then 'starts before it may, ' || rules.from_at
            end,
            case
                when local_clock.scheduled_at >= rules.stops_at
                    then 'starts at or after the end, ' || rules.stops_at
            end
        ) as problem
    from local_clock
    cross join rules
)

select contact_id, attempt, problem
from judged
where problem != ''
