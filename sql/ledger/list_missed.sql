-- The staged slots of a campaign that are not called at their time and are to be planned anew.
-- Grain: one row per slot. Order: none.
-- $campaign_id varchar: the campaign; $now timestamptz: the instant; $late_limit interval: how long after its time
-- a slot may still be called
select contact_id, attempt, plan_version
from missed_slots($now::timestamptz, $late_limit::interval)
where campaign_id = $campaign_id::varchar
