-- The gates: every staged slot that has fallen due, with the first reason that holds it back.
-- Grain: one row per due slot; held_because is null where the call may be placed. Order: none.
-- judged_at timestamptz: the instant; due_until timestamptz: slots up to then, that instant included, count as due,
-- so that a claim can come a little early. A slot waits at most late_limit after its time; later it is missed.
create or replace macro due_slots(judged_at, late_limit, due_until) as table
with candidate as (
    select
        slot.*,
        campaign.state as campaign_state,
        campaign.max_concurrent_calls,
        -- As many as the pace lets start until then and a second later; within seconds the dispatcher keeps it. It looks
        -- back five seconds, so a slower pace than one in that time is kept here: one call, and then a rest, of a day at
        -- most.
        case
            when campaign.calls_per_second < 0.2 then 1
            else ceil(campaign.calls_per_second * (1 + epoch(due_until - judged_at)))
        end as most_at_pace,
        case
            when campaign.calls_per_second < 0.2
                then to_microseconds(ceil(least(1e6 / campaign.calls_per_second, 86400e6) + 1e5)::bigint)
        end as rests,
        2000 as most_claimed, -- a claim stays short; twice what one process can dial in a tick
        campaign.max_calls_per_number_per_day,
        case
            when slot.call_date = campaign.first_date then campaign.first_date_cap
            else campaign.max_calls_per_day
        end as date_cap,
        case
            when campaign.state not in ('scheduled', 'active') then 'the campaign is ' || campaign.state
            when
                campaign.changing_until > judged_at
                and campaign.changing_until <= judged_at + late_limit -- else begun by a clock that was ahead
                then 'the plan is being changed'
            when
                not exists (
                    select 1
                    from current_version
                    where
                        current_version.campaign_id = slot.campaign_id
                        and current_version.plan_version = slot.plan_version
                )
                then 'its plan version was replaced'
            when
                exists (
                    select 1
                    from slot as later
                    where
                        later.campaign_id = slot.campaign_id
                        and later.contact_id = slot.contact_id
                        and later.attempt = slot.attempt
                        and later.plan_version > slot.plan_version
                )
                then 'a later version plans it anew'
            when
                exists (
                    select 1
                    from pending
                    where
                        pending.campaign_id = slot.campaign_id
                        and pending.contact_id = slot.contact_id
                        and pending.attempt = slot.attempt
                        and pending.plan_version is distinct from slot.plan_version
                )
                then 'it waits for another slot'
            when
                exists (
                    select 1
                    from call
                    where
                        call.campaign_id = slot.campaign_id
                        and call.contact_id = slot.contact_id
                        and call.attempt = slot.attempt
                )
                then 'this attempt has been made'
            when
                exists (
                    select 1
                    from skip
                    where skip.campaign_id = slot.campaign_id and skip.contact_id = slot.contact_id
                )
                then 'the contact is skipped'
            when judged_at >= slot.not_after then 'missed: its window has closed'
            when judged_at >= slot.scheduled_at + late_limit then 'missed: its time is too long past'
            when slot.snapshot is null then 'its contact''s data is about to be read again'
            when slot.zone_changed then 'the contact has another time zone than it was planned for'
        end as barred_because
    from slot
    inner join campaign on campaign.campaign_id = slot.campaign_id
    where slot.scheduled_at <= due_until
),

counted as (
    select
        candidate.*,
        row_number() over (
            partition by candidate.campaign_id, candidate.barred_because is null order by candidate.scheduled_at
        ) as in_campaign,
        row_number() over (
            partition by candidate.campaign_id, candidate.barred_because is null, candidate.call_date
            order by candidate.scheduled_at
        ) as in_date,
        row_number() over (
            partition by
                candidate.campaign_id, candidate.barred_because is null, candidate.call_date, candidate.from_number
            order by candidate.scheduled_at
        ) as in_number
    from candidate
),

begun as (
    select
        campaign_id,
        count(*) filter (where state = 'claimed' and noted_at is null) as claimed,
        -- Later ones were noted by a clock that was wrong.
        max(noted_at) filter (where noted_at <= judged_at + interval 2 seconds) as last_noted_at
    from call
    group by campaign_id
),

made_on_date as (
    select campaign_id, call_date, count(*) as calls
    from call
    group by campaign_id, call_date
),

made_by_number as (
    select campaign_id, call_date, from_number, count(*) as calls
    from call
    group by campaign_id, call_date, from_number
)

select
    counted.campaign_id,
    counted.plan_version,
    counted.contact_id,
    counted.attempt,
    counted.phone,
    counted.from_number,
    counted.variables,
    counted.timezone,
    counted.scheduled_at,
    counted.not_after,
    counted.call_date,
    counted.slot_index,
    case
        when counted.barred_because is not null then counted.barred_because
        when coalesce(made_on_date.calls, 0) + counted.in_date > counted.date_cap
            then 'max_calls_per_day is reached on ' || counted.call_date
        when coalesce(made_by_number.calls, 0) + counted.in_number > counted.max_calls_per_number_per_day
            then 'max_calls_per_number_per_day is reached by ' || counted.from_number
        when coalesce(in_flight.calls, 0) + counted.in_campaign > counted.max_concurrent_calls
            then 'max_concurrent_calls are in flight'
        when
            coalesce(begun.claimed, 0) + counted.in_campaign > counted.most_at_pace
            or begun.last_noted_at + counted.rests > judged_at
            then 'calls_per_second is reached'
        when coalesce(begun.claimed, 0) + counted.in_campaign > counted.most_claimed
            then 'as many calls as one claim takes are under way'
    end as held_because
from counted
left join begun on begun.campaign_id = counted.campaign_id
left join made_on_date
    on made_on_date.campaign_id = counted.campaign_id and made_on_date.call_date = counted.call_date
left join made_by_number
    on made_by_number.campaign_id = counted.campaign_id
    and made_by_number.call_date = counted.call_date
    and made_by_number.from_number = counted.from_number
left join in_flight on in_flight.campaign_id = counted.campaign_id
