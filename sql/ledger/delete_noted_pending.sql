-- Contacts whose attempt was noted wait no longer.
-- Grain: one row of pending per row of the relation note (campaign_id, contact_id, attempt) that has one.
delete from pending
using note
where
    pending.campaign_id = note.campaign_id
    and pending.contact_id = note.contact_id
    and pending.attempt = note.attempt
