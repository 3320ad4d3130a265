-- How many of those whom a new version has handled have been started already.
-- Grain: one row. Reads the relation planned (contact_id, attempt).
-- $campaign_id varchar: the campaign
select count(*) as calls
from planned
inner join call
    on call.campaign_id = $campaign_id::varchar
    and call.contact_id = planned.contact_id
    and call.attempt = planned.attempt
