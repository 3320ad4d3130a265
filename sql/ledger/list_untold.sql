-- What the dial journal has yet to be told of plans, settings and ends, so that an older copy of the ledger learns of
-- it.
-- Grain: one row per campaign of which a version, the settings or the end were not told. Order: campaign.
-- plan_version: its last version, 0 for a draft; published: the versions that were not told (plan_version, sha256) in
-- order, null for none; settings: JSON, null where they were told; state: how it ended by itself, null where it has not.
select
    campaign.campaign_id,
    coalesce(max(plan_version.plan_version), 0) as plan_version,
    list({'plan_version': plan_version.plan_version, 'sha256': plan_version.sha256} order by plan_version.plan_version)
        filter (where plan_version.plan_version > campaign.told_version) as published,
    case when campaign.settings_told is not true then campaign.settings end as settings,
    case when campaign.state in ('completed', 'failed') then campaign.state end as state
from campaign
left join plan_version on plan_version.campaign_id = campaign.campaign_id
group by campaign.campaign_id, campaign.settings, campaign.settings_told, campaign.told_version, campaign.state
having campaign.settings_told is not true or coalesce(max(plan_version.plan_version), 0) > campaign.told_version
order by campaign.campaign_id
