-- The published versions of a campaign.
-- Grain: one row per version. Order: version.
-- $campaign_id varchar: the campaign
select plan_version, kind, based_on, file, sha256, contacts_hash, row_count, first_at, last_at, published_at
from plan_version
where campaign_id = $campaign_id::varchar
order by plan_version
