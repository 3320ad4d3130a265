-- Note that the slots which were passed over have been looked after.
-- Grain: one row per version of the campaign.
-- $campaign_id varchar: the campaign; $until timestamptz: slots before it have been looked after
update plan_version
set missed_from = null
where campaign_id = $campaign_id::varchar and missed_from < $until::timestamptz
