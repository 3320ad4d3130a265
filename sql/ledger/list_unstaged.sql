-- The current versions of live campaigns whose slots are not staged as far as wanted.
-- Grain: one row per campaign and version. Order: campaign, version.
-- $until timestamptz: how far slots should be staged, exclusive
select
    current_version.campaign_id,
    current_version.plan_version,
    current_version.file,
    current_version.sha256,
    current_version.staged_until,
    campaign.contact_list,
    campaign.settings
from current_version
inner join campaign on campaign.campaign_id = current_version.campaign_id
where
    campaign.state in ('scheduled', 'active')
    and current_version.staged_until < $until::timestamptz
    and current_version.last_at >= current_version.staged_until
order by current_version.campaign_id, current_version.plan_version
