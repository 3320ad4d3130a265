-- How many calls does each outbound number make in each hour, those made and those planned?
-- Grain: one row per hour (UTC) and number.
select date_trunc('hour', scheduled_at) as hour, from_number, count(*) as calls
from planned_and_actual
where state not in ('skipped', 'cancelled')
group by hour, from_number
order by hour, from_number
