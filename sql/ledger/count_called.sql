-- How many contacts of a campaign have been called at least once.
-- Grain: one row.
-- $campaign_id varchar: the campaign
select count(*) as contacts
from call
where campaign_id = $campaign_id::varchar and attempt = 1
