-- What the dial journal has yet to be told of plans and settings, so that an older copy of the ledger learns of it.
-- Grain: one row per campaign with a plan of which a version or the settings were not told. Order: campaign.
-- plan_version: its last version; settings: JSON, null where they were told.
select
    campaign.campaign_id,
    max(plan_version.plan_version) as plan_version,
    case when campaign.settings_told is not true then campaign.settings end as settings
from campaign
inner join plan_version on plan_version.campaign_id = campaign.campaign_id
group by campaign.campaign_id, campaign.settings, campaign.settings_told, campaign.told_version
having campaign.settings_told is not true or max(plan_version.plan_version) > campaign.told_version
order by campaign.campaign_id
