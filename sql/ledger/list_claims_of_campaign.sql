-- The calls of a campaign that are claimed and were not noted in the dial journal.
-- Grain: one row per call.
-- $campaign_id varchar: the campaign
select campaign_id, contact_id, attempt, lease_id
from call
where campaign_id = $campaign_id::varchar and state = 'claimed' and noted_at is null
