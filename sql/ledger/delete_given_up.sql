-- Take slots off the stage whose contact a later version has given up: nobody waits for another of them.
-- Grain: one slot per row of the relation given_up (contact_id, attempt, plan_version) that is staged.
-- $campaign_id varchar: the campaign
delete from slot
using given_up
where
    slot.campaign_id = $campaign_id::varchar
    and slot.plan_version = given_up.plan_version
    and slot.contact_id = given_up.contact_id
    and slot.attempt = given_up.attempt
