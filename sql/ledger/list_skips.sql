-- The contacts taken out of a campaign by hand.
-- Grain: one row per contact. Order: skipped_at.
-- $campaign_id varchar: the campaign
select contact_id, reason, skipped_at, plan_version
from skip
where campaign_id = $campaign_id::varchar
order by skipped_at
