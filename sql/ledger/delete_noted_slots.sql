-- Take the slots of noted calls off the stage.
-- Grain: one slot per row of the relation note (campaign_id, contact_id, attempt) that is staged.
delete from slot
using note
where
    slot.campaign_id = note.campaign_id
    and slot.contact_id = note.contact_id
    and slot.attempt = note.attempt
