-- The campaigns of an id or a name.
-- Grain: one row per campaign. Order: created_at.
-- $named varchar: a campaign id or name
select
    campaign_id, name, settings, dialer, contact_list, timezone, state, reason, created_at, changed_at,
    starts_at, finished_at, contact_count, excluded_count, listed_count, max_concurrent_calls,
    (
        select max(plan_version.plan_version)
        from plan_version
        where plan_version.campaign_id = campaign.campaign_id
    ) as latest_version
from campaign
where campaign_id = $named::varchar or name = $named::varchar
order by created_at
