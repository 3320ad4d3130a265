-- Take back that slots were passed over whose time is not past: the clock was ahead. They are to be staged again.
-- Grain: one row per version.
-- $callable_from timestamptz: the time of earlier slots is long past
update plan_version
set
    staged_until = greatest(missed_from, $callable_from::timestamptz),
    missed_from = case when missed_from < $callable_from::timestamptz then missed_from end,
    missed_until = case when missed_from < $callable_from::timestamptz then $callable_from::timestamptz end
where missed_until > $callable_from::timestamptz
