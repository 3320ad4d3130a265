-- The zones of a plan and the campaign-local dates it covers in each.
-- Grain: one row per zone. Reads plan.
select timezone, min(call_date) as first_date, max(call_date) as last_date
from plan
group by timezone
