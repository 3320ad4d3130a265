-- Note the attempts that a new version plans although an earlier one may, or that found no place in it.
-- Grain: one row per row of the relation planned (contact_id, attempt).
-- $campaign_id varchar: the campaign; $plan_version integer or null: the version that plans them, null for none;
-- $ripe_at timestamptz: since when they wait
insert into pending (campaign_id, contact_id, attempt, ripe_at, plan_version)
select $campaign_id::varchar, contact_id, attempt, $ripe_at::timestamptz, $plan_version::integer
from planned
