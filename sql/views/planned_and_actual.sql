-- Every call, made or planned.
-- Grain: one row per contact and attempt that was claimed or has a slot that counts. Of a call these are the slot at
-- which it was claimed, when its dial was noted and how late that was, and how far it got; a slot is scheduled, skipped
-- or, in a campaign that was cancelled or has failed, cancelled. A further attempt that is not made has no row.
create view planned_and_actual as
with attempt as (
    select
        call.campaign_id,
        call.contact_id,
        call.attempt,
        call.from_number,
        call.timezone,
        call.call_date,
        call.scheduled_at,
        call.not_after,
        call.noted_at as called_at,
        call.finished_at,
        call.state
    from call
    union all
    select
        plan.campaign_id,
        plan.contact_id,
        plan.attempt,
        plan.from_number,
        plan.timezone,
        plan.call_date,
        plan.scheduled_at,
        plan.not_after,
        null as called_at,
        null as finished_at,
        case
            when skip.contact_id is not null then 'skipped'
            when campaign.state in ('cancelled', 'failed') then 'cancelled'
            else 'scheduled'
        end as state
    from plan
    inner join campaign on campaign.campaign_id = plan.campaign_id
    left join skip on skip.campaign_id = plan.campaign_id and skip.contact_id = plan.contact_id
    where
        not exists (
            select 1
            from call
            where
                call.campaign_id = plan.campaign_id
                and call.contact_id = plan.contact_id
                and call.attempt = plan.attempt
        )
        and (
            plan.attempt = 1
            or skip.contact_id is not null
            or exists (
                select 1
                from pending
                where
                    pending.campaign_id = plan.campaign_id
                    and pending.contact_id = plan.contact_id
                    and pending.attempt = plan.attempt
            )
        )
)

select
    attempt.campaign_id,
    campaign.name as campaign,
    campaign.timezone as campaign_timezone,
    attempt.contact_id,
    attempt.attempt,
    attempt.from_number,
    attempt.timezone,
    attempt.call_date,
    attempt.scheduled_at,
    attempt.not_after,
    attempt.called_at,
    attempt.finished_at,
    epoch(attempt.called_at - attempt.scheduled_at) as late_seconds,
    attempt.state
from attempt
inner join campaign on campaign.campaign_id = attempt.campaign_id
