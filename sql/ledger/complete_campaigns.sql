-- Campaigns are completed when every contact is final: called with a final outcome and no further attempt to
-- come, or skipped uncalled.
-- Grain: one row per campaign that changes.
-- $now timestamptz: the instant
update campaign
set
    previous_state = state,
    state = 'completed',
    changed_at = $now::timestamptz,
    finished_at = $now::timestamptz,
    settings_told = case when not settings_told then false end, -- the end was not
    reason = null
where
    state in ('scheduled', 'active', 'paused')
    and not exists (
        select 1 from call where call.campaign_id = campaign.campaign_id and call.finished_at is null
    )
    and not exists (
        select 1 from pending where pending.campaign_id = campaign.campaign_id
    )
    and contact_count <= (
        select count(*)
        from call
        where call.campaign_id = campaign.campaign_id and call.attempt = 1
    ) + (
        select coalesce(sum(past_day.first_attempts), 0)
        from past_day
        where past_day.campaign_id = campaign.campaign_id
    ) + (
        select count(*)
        from skip
        where
            skip.campaign_id = campaign.campaign_id
            and skip.plan_version > 0
            and not exists (
                select 1
                from call
                where call.campaign_id = skip.campaign_id and call.contact_id = skip.contact_id
            )
    )
