-- How far a version is staged.
-- Grain: one row, none if there is no such version.
-- $campaign_id varchar, $plan_version integer: the version
select staged_until
from plan_version
where campaign_id = $campaign_id::varchar and plan_version = $plan_version::integer
