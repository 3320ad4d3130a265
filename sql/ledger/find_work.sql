-- What a dispatcher has to do now, and when there is something to do next.
-- Grain: one row.
-- $now timestamptz: the instant; $late_limit interval: how long after its time a slot may still be called
-- $due_until timestamptz: slots up to then count as due
-- $soon timestamptz: slots up to then fall due soon
-- $stage_until timestamptz: how far slots should be staged, exclusive
-- $look_again_hindered interval: how long those wait who found no slot
with slots as (
    select
        slot.campaign_id,
        count(*) filter (
            not slot.zone_changed
            and slot.scheduled_at <= $due_until::timestamptz
            and $now::timestamptz < least(slot.not_after, slot.scheduled_at + $late_limit::interval)
        ) as due,
        least(
            count(*) filter (
                not slot.zone_changed
                and slot.scheduled_at <= $soon::timestamptz
                and $now::timestamptz < least(slot.not_after, slot.scheduled_at + $late_limit::interval)
            ),
            any_value(campaign.max_concurrent_calls) - coalesce(any_value(in_flight.calls), 0)
        ) as due_soon,
        min(slot.scheduled_at) filter (
            not slot.zone_changed and slot.scheduled_at > $due_until::timestamptz
        ) as next_due_at,
        min(
            case
                when slot.has_new_zone and slot.attempt = 1 then $now::timestamptz
                else least(slot.not_after, slot.scheduled_at + $late_limit::interval)
            end
        ) as missed_at
    from slot
    inner join campaign on campaign.campaign_id = slot.campaign_id
    left join in_flight on in_flight.campaign_id = slot.campaign_id
    where
        campaign.state in ('scheduled', 'active')
        and not exists (
            select 1
            from skip
            where skip.campaign_id = slot.campaign_id and skip.contact_id = slot.contact_id
        )
    group by slot.campaign_id
),

slots_of_all as (
    select
        coalesce(sum(due), 0)::bigint as due,
        coalesce(sum(greatest(due_soon, 0)), 0)::bigint as due_soon,
        min(next_due_at) as next_due_at,
        min(missed_at) as missed_at
    from slots
),

staged as (
    select list(distinct {'contact_list': campaign.contact_list, 'snapshot': slot.snapshot}) as staged_from
    from slot
    inner join campaign on campaign.campaign_id = slot.campaign_id
    where campaign.state in ('scheduled', 'active')
),

waiting as (
    select
        min(
            case
                when campaign.hindrance is null or attempts.attempt > 1 then attempts.ripe_at
                when campaign.replanned_at > $now::timestamptz then attempts.ripe_at -- by a clock that was wrong
                else greatest(attempts.ripe_at, campaign.replanned_at + $look_again_hindered::interval)
            end
        ) as ripe_at
    from waiting_attempts($now::timestamptz, $late_limit::interval) as attempts
    inner join campaign on campaign.campaign_id = attempts.campaign_id
    where campaign.state in ('scheduled', 'active')
),

calls as (
    select
        count(*) as in_flight,
        count(*) filter (deadline_at <= $now::timestamptz and (state != 'claimed' or noted_at is not null)) as overdue,
        min(deadline_at) filter (state != 'claimed' or noted_at is not null) as next_deadline_at
    from call
    where finished_at is null
),

versions as (
    select
        count(*) filter (
            current_version.staged_until < $stage_until::timestamptz
            and current_version.last_at >= current_version.staged_until
            or current_version.missed_until > $now::timestamptz - $late_limit::interval -- by a clock that was ahead
        ) as unstaged,
        min(current_version.staged_until) filter (
            current_version.last_at >= current_version.staged_until
        ) as unstaged_from,
        count(*) filter (
            campaign.state = 'scheduled' and current_version.first_at <= $now::timestamptz
        ) as beginning,
        count(*) filter (current_version.missed_from is not null) as passed_over
    from current_version
    inner join campaign on campaign.campaign_id = current_version.campaign_id
    where campaign.state in ('scheduled', 'active')
)

select
    slots_of_all.due,
    slots_of_all.due_soon,
    slots_of_all.next_due_at,
    slots_of_all.missed_at,
    calls.in_flight,
    calls.overdue,
    calls.next_deadline_at,
    versions.unstaged,
    versions.unstaged_from,
    versions.beginning,
    versions.passed_over,
    waiting.ripe_at,
    staged.staged_from
from slots_of_all
cross join staged
cross join waiting
cross join calls
cross join versions
