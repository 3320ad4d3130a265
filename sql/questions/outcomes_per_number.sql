-- How do calls end, by outbound number?
-- Grain: one row per outbound number and state.
select from_number, state, count(*) as calls
from planned_and_actual
group by from_number, state
order by from_number, calls desc
