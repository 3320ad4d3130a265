-- What nobody has looked after for a while, although nothing holds it back: slots that are due and not claimed, and
-- versions whose slots are not staged as far as now.
-- Grain: one row per campaign that has any; unread_since is null where all is staged. Order: none.
-- $now timestamptz: the instant; $since timestamptz: a while ago; $late_limit interval: how long after its time a slot
-- may still be called. What was called, came back or was resumed since then may just have made room for the next call.
with unclaimed as (
    select campaign_id, count(*) as slots
    from due_slots($now::timestamptz, $late_limit::interval, $now::timestamptz)
    where held_because is null and scheduled_at < $since::timestamptz
    group by campaign_id
),

unread as (
    select current_version.campaign_id, min(current_version.staged_until) as since
    from current_version
    inner join campaign on campaign.campaign_id = current_version.campaign_id
    where
        campaign.state in ('scheduled', 'active')
        and current_version.staged_until < $since::timestamptz
        and current_version.last_at >= current_version.staged_until
    group by current_version.campaign_id
)

select campaign.campaign_id, coalesce(unclaimed.slots, 0) as slots, unread.since as unread_since
from campaign
left join unclaimed on unclaimed.campaign_id = campaign.campaign_id
left join unread on unread.campaign_id = campaign.campaign_id
where
    (unclaimed.slots is not null or unread.since is not null)
    and not exists (
        select 1
        from event
        where
            event.campaign_id = campaign.campaign_id
            and event.happened_at >= $since::timestamptz
            and event.happened_at <= $now::timestamptz
    )
