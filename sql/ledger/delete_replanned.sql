-- Take the slots off the stage that a new version plans anew.
-- Grain: one slot per row of the relation planned (contact_id, attempt) that is staged.
-- $campaign_id varchar: the campaign; $plan_version integer: the new version
delete from slot
using planned
where
    slot.campaign_id = $campaign_id::varchar
    and slot.plan_version < $plan_version::integer
    and slot.contact_id = planned.contact_id
    and slot.attempt = planned.attempt
