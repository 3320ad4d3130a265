-- How many calls of a campaign are in flight.
-- Grain: one row.
-- $campaign_id varchar: the campaign
select count(*) as calls
from call
where campaign_id = $campaign_id::varchar and finished_at is null
