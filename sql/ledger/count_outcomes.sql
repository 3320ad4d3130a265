-- How the calls of a campaign stand.
-- Grain: one row per state. Order: most first.
-- $campaign_id varchar: the campaign
select state, count(*) as calls
from call
where campaign_id = $campaign_id::varchar
group by state
order by calls desc, state
