-- The attempts of a campaign that wait for a slot or got one from a later version.
-- Grain: one row per contact and attempt. Order: none.
-- $campaign_id varchar: the campaign
select contact_id, attempt, ripe_at, plan_version
from pending
where campaign_id = $campaign_id::varchar
