-- Rule: no two calls of a campaign are planned for the same instant.
-- Grain: one row per planned call that shares its instant.
-- Reads plan.
select contact_id, attempt, 'shares its instant, ' || scheduled_at as problem
from plan
qualify count(*) over (partition by scheduled_at) > 1
