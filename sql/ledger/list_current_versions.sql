-- The versions that make up a campaign's current plan.
-- Grain: one row per version. Order: version.
-- $campaign_id varchar: the campaign
select plan_version, file, sha256, row_count, first_at, last_at
from current_version
where campaign_id = $campaign_id::varchar
order by plan_version
