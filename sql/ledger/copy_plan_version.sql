-- The published versions as they are now, for questions in memory.
-- Grain: one row per version. Order: none.
select
    plan_version.*,
    exists (
        select 1
        from current_version
        where
            current_version.campaign_id = plan_version.campaign_id
            and current_version.plan_version = plan_version.plan_version
    ) as is_current
from plan_version
