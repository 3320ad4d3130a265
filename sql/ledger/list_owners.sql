-- The dispatchers that have not said that they stopped.
-- Grain: one row per dispatcher. Order: started_at.
select owner_id, host, pid, started_at
from owner
where ended_at is null
order by started_at
