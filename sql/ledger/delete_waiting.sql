-- Forget which attempts of a campaign wait and have a place in a new version, before they are noted anew.
-- Grain: one row of pending per row of the relation planned (contact_id, attempt) that has one.
-- $campaign_id varchar: the campaign
delete from pending
using planned
where
    pending.campaign_id = $campaign_id::varchar
    and pending.contact_id = planned.contact_id
    and pending.attempt = planned.attempt
