-- Campaigns become active when their first slot falls due.
-- Grain: one row per campaign that changes.
-- $now timestamptz: the instant
update campaign
set previous_state = state, state = 'active', changed_at = $now::timestamptz
where
    state = 'scheduled'
    and (
        select min(current_version.first_at)
        from current_version
        where current_version.campaign_id = campaign.campaign_id
    ) <= $now::timestamptz
