-- Note how far a version is staged; nothing changes when somebody else staged or replaced it meanwhile.
-- Grain: one row per campaign and version.
-- $campaign_id varchar, $plan_version integer: the version
-- $staged_from timestamptz: where the stage ended when the slots were read
-- $staged_until timestamptz: where it ends now, exclusive
-- $callable_from timestamptz: slots before that were passed over, because their time is long past
update plan_version
set
    staged_until = $staged_until::timestamptz,
    missed_from = case
        when $staged_from::timestamptz < $callable_from::timestamptz
            then coalesce(missed_from, $staged_from::timestamptz)
        else missed_from
    end,
    missed_until = case
        when $staged_from::timestamptz < $callable_from::timestamptz then $callable_from::timestamptz
        else missed_until
    end
where
    campaign_id = $campaign_id::varchar
    and plan_version = $plan_version::integer
    and staged_until = $staged_from::timestamptz
    and plan_version in (
        select current_version.plan_version
        from current_version
        where current_version.campaign_id = $campaign_id::varchar
    )
