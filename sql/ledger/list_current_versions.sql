-- The versions that make up a campaign's current plan.
-- Grain: one row per version. Order: version.
-- $campaign_id varchar: the campaign
select
    plan_version, kind, file, sha256, row_count, excluded_count, first_at, last_at, missed_from, staged_until
from current_version
where campaign_id = $campaign_id::varchar
order by plan_version
