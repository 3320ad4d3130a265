-- Note that the dial journal has been told of plans, and of the settings as they are.
-- Grain: one row per row of the relation told (campaign_id, plan_version).
update campaign
set told_version = told.plan_version, settings_told = true
from told
where campaign.campaign_id = told.campaign_id
