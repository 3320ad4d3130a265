-- Contacts whose attempt has been claimed wait no longer.
-- Grain: one row of pending per call of the claim that has one.
-- $lease_id varchar: the claim
delete from pending
using call
where
    call.lease_id = $lease_id::varchar
    and call.campaign_id = pending.campaign_id
    and call.contact_id = pending.contact_id
    and call.attempt = pending.attempt
