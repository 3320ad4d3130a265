-- Take contacts out of a campaign; who is out already stays out for the first reason.
-- Grain: one row per contact of the relation taken_out (contact_id) that is not out yet.
-- $campaign_id varchar: the campaign; $reason varchar: why; $now timestamptz: the instant
insert into skip (campaign_id, contact_id, reason, skipped_at, plan_version)
select
    $campaign_id::varchar,
    taken_out.contact_id,
    $reason::varchar,
    $now::timestamptz,
    (select coalesce(max(plan_version), 0) from plan_version where campaign_id = $campaign_id::varchar)
from taken_out
where
    not exists (
        select 1
        from skip
        where skip.campaign_id = $campaign_id::varchar and skip.contact_id = taken_out.contact_id
    )
