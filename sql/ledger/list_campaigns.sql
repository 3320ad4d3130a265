-- Every campaign with its calls counted.
-- Grain: one row per campaign. Order: created_at.
with called as (
    select
        campaign_id,
        count(*) filter (finished_at is null) as in_flight,
        count(*) filter (attempt = 1) as contacts,
        count(*) filter (attempt > 1) as retries,
        count(*) filter (state = 'unknown') as unknown,
        count(*) filter (state = 'unknown' and finished_at is null) as open,
        max(deadline_at) filter (state = 'unknown' and finished_at is null) as unknown_until
    from call
    group by campaign_id
),

past as (
    select campaign_id, sum(first_attempts)::bigint as contacts, sum(calls - first_attempts)::bigint as retries
    from past_day
    group by campaign_id
),

waiting_again as (
    select
        pending.campaign_id,
        count(*) filter (pending.attempt > 1) as contacts,
        count(*) filter (pending.plan_version is null) as slotless
    from pending
    group by pending.campaign_id
),

skipped as (
    select skip.campaign_id, count(*) as contacts
    from skip
    where
        skip.plan_version > 0
        and not exists (
            select 1 from call where call.campaign_id = skip.campaign_id and call.contact_id = skip.contact_id
        )
    group by skip.campaign_id
),

planned as (
    select campaign_id, max(plan_version) as plan_version, min(first_at) as first_at, max(last_at) as last_at
    from current_version
    group by campaign_id
)

select
    campaign.campaign_id,
    campaign.name,
    campaign.state,
    campaign.reason,
    campaign.timezone,
    campaign.dialer,
    campaign.contact_list,
    campaign.contact_count,
    campaign.excluded_count,
    coalesce(skipped.contacts, 0) as skipped_count,
    coalesce(called.in_flight, 0) as in_flight_count,
    coalesce(called.contacts, 0) + coalesce(past.contacts, 0) - coalesce(called.in_flight, 0)
    - coalesce(waiting_again.contacts, 0) as final_count,
    coalesce(waiting_again.contacts, 0) as retry_count,
    coalesce(waiting_again.slotless, 0) as slotless_count,
    coalesce(called.retries, 0) + coalesce(past.retries, 0) as retried_count,
    coalesce(called.unknown, 0) as unknown_count,
    coalesce(called.open, 0) as open_count,
    called.unknown_until,
    campaign.contact_count - coalesce(called.contacts, 0) - coalesce(past.contacts, 0)
    - coalesce(skipped.contacts, 0) as waiting_count,
    planned.plan_version,
    planned.first_at,
    planned.last_at,
    campaign.hindrance,
    campaign.created_at,
    campaign.starts_at,
    campaign.finished_at
from campaign
left join called on called.campaign_id = campaign.campaign_id
left join past on past.campaign_id = campaign.campaign_id
left join skipped on skipped.campaign_id = campaign.campaign_id
left join waiting_again on waiting_again.campaign_id = campaign.campaign_id
left join planned on planned.campaign_id = campaign.campaign_id
order by campaign.created_at
