-- Which calls fall due next?
-- Grain: one row per call that has not been made, the next twenty.
select campaign, contact_id, attempt, from_number, scheduled_at, timezone
from planned_and_actual
where state = 'scheduled'
order by scheduled_at
limit 20
