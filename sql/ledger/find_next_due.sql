-- When the next staged slot of a campaign that may be dialled falls due, and whether calls are in flight.
-- Grain: one row; next_due_at is null when nothing is staged.
-- $now timestamptz: the instant
select
    (
        select min(slot.scheduled_at)
        from slot
        inner join campaign on campaign.campaign_id = slot.campaign_id
        where slot.scheduled_at > $now::timestamptz and campaign.state in ('scheduled', 'active')
    ) as next_due_at,
    (
        select min(current_version.staged_until)
        from current_version
        inner join campaign on campaign.campaign_id = current_version.campaign_id
        where campaign.state in ('scheduled', 'active') and current_version.last_at >= current_version.staged_until
    ) as unstaged_from,
    (select count(*) from call where finished_at is null) as in_flight,
    (select count(*) from campaign where state in ('scheduled', 'active')) as live_campaigns
