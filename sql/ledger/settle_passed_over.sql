-- Note that the slots of versions which were passed over have been looked after. A version of which more were
-- passed over since is left as it is, and so is one whose slots were passed over by a clock that was ahead.
-- Grain: one row per version of the relation looked_after (plan_version, missed_from, staged_until).
-- $campaign_id varchar: the campaign; $callable_from timestamptz: the time of earlier slots is long past
update plan_version
set missed_from = null, missed_until = null
from looked_after
where
    plan_version.campaign_id = $campaign_id::varchar
    and plan_version.plan_version = looked_after.plan_version
    and plan_version.missed_from = looked_after.missed_from
    and plan_version.staged_until = looked_after.staged_until
    and (plan_version.missed_until is null or plan_version.missed_until <= $callable_from::timestamptz)
