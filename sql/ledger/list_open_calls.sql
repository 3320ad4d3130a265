-- The calls in flight, of all campaigns.
-- Grain: one row per call that has not ended. Order: none.
select campaign_id, contact_id, attempt
from call
where finished_at is null
