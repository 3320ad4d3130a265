-- Take the slots that a claim has turned into calls off the stage.
-- Grain: one slot per call of the claim.
-- $lease_id varchar: the claim
delete from slot
using call
where
    call.lease_id = $lease_id::varchar
    and call.campaign_id = slot.campaign_id
    and call.contact_id = slot.contact_id
    and call.attempt = slot.attempt
