-- Contacts who are skipped wait no longer.
-- Grain: one row of pending per skipped contact that has one.
-- $campaign_id varchar: the campaign
delete from pending
using skip
where
    pending.campaign_id = $campaign_id::varchar
    and skip.campaign_id = pending.campaign_id
    and skip.contact_id = pending.contact_id
