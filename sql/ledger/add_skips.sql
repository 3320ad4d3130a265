-- Take contacts out of a campaign; who is out already stays out for the first reason.
-- Grain: one row per contact of the relation taken_out (contact_id, is_planned) that is not out yet.
-- plan_version is 0 for a contact whom the current plan does not call anyway.
-- $campaign_id varchar: the campaign; $reason varchar: why; $now timestamptz: the instant
insert into skip (campaign_id, contact_id, reason, skipped_at, plan_version)
select
    $campaign_id::varchar,
    taken_out.contact_id,
    $reason::varchar,
    $now::timestamptz,
    case
        when taken_out.is_planned
            then (select max(plan_version) from plan_version where campaign_id = $campaign_id::varchar)
        else 0
    end
from taken_out
where
    not exists (
        select 1
        from skip
        where skip.campaign_id = $campaign_id::varchar and skip.contact_id = taken_out.contact_id
    )
