-- How many calls does each outbound number make in each hour of the plan?
-- Grain: one row per hour (UTC) and number.
select date_trunc('hour', scheduled_at) as hour, from_number, count(*) as calls
from plan
group by hour, from_number
order by hour, from_number
