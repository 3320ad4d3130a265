-- Forget the staged slots that come after ones which a clock that was ahead passed over: all are to be staged again.
-- Grain: one slot per row.
-- $callable_from timestamptz: the time of earlier slots is long past
delete from slot
using plan_version
where
    plan_version.campaign_id = slot.campaign_id
    and plan_version.plan_version = slot.plan_version
    and missed_until > $callable_from::timestamptz
    and slot.scheduled_at >= greatest(plan_version.missed_from, $callable_from::timestamptz)
