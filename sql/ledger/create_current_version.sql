-- The versions that make up each campaign's current plan: the last replacing one and the adding ones since.
-- Grain: one row per campaign and current version.
create view current_version as
select plan_version.*
from plan_version
where
    plan_version.plan_version >= (
        select max(replacing.plan_version)
        from plan_version as replacing
        where replacing.campaign_id = plan_version.campaign_id and replacing.kind = 'replaces'
    )
