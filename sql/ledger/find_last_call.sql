-- The outbound number of the call that was planned last.
-- Grain: one row, none if no call has been claimed.
-- $campaign_id varchar: the campaign
select from_number
from call
where campaign_id = $campaign_id::varchar
order by plan_version desc, scheduled_at desc
limit 1
