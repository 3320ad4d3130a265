-- The further attempts that wait for their first slot after a call that ended some time ago.
-- Grain: one row per contact and attempt. Order: none.
-- $campaign_id varchar: the campaign; $ended_by timestamptz: the calls before them ended until then
select pending.contact_id, pending.attempt
from pending
inner join call
    on call.campaign_id = pending.campaign_id
    and call.contact_id = pending.contact_id
    and call.attempt + 1 = pending.attempt
where
    pending.campaign_id = $campaign_id::varchar
    and pending.plan_version is null
    and call.finished_at <= $ended_by::timestamptz
