-- The versions that make up each campaign's current plan: the last replacing one and the adding ones since.
-- Grain: one row per campaign and current version.
create or replace view current_version as
select *
from plan_version
qualify plan_version >= max(plan_version) filter (kind = 'replaces') over (partition by campaign_id)
