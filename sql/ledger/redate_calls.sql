-- Put calls on the dates of another clock, after the campaign's time zone was changed.
-- Grain: one row per row of the relation redated (contact_id, attempt, call_date).
-- $campaign_id varchar: the campaign
update call
set call_date = redated.call_date
from redated
where
    call.campaign_id = $campaign_id::varchar
    and call.contact_id = redated.contact_id
    and call.attempt = redated.attempt
