-- Note that the slots of versions which were passed over have been looked after. A version of which more were
-- passed over since is left as it is.
-- Grain: one row per version of the relation looked_after (plan_version, missed_from, staged_until).
-- $campaign_id varchar: the campaign
update plan_version
set missed_from = null
from looked_after
where
    plan_version.campaign_id = $campaign_id::varchar
    and plan_version.plan_version = looked_after.plan_version
    and plan_version.missed_from = looked_after.missed_from
    and plan_version.staged_until = looked_after.staged_until
