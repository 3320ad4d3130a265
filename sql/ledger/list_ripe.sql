-- The attempts of a campaign for which a slot can be looked for now.
-- Grain: one row per contact and attempt. Order: none.
-- $campaign_id varchar: the campaign; $now timestamptz: the instant; $late_limit interval: how long after its time a
-- slot may still be called
select contact_id, attempt
from waiting_attempts($now::timestamptz, $late_limit::interval)
where campaign_id = $campaign_id::varchar and ripe_at <= $now::timestamptz
