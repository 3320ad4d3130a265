-- Count that dials were repeated under their keys, and say so of their calls.
-- Grain: one row per call of the relation note (the columns of NOTES) that was dialled before.
update call
set
    dials = call.dials + 1,
    changed_at = note.noted_at,
    reason = 'dialled ' || (call.dials + 1) || ' times under its key without an answer'
from note
where
    note.replays
    and call.campaign_id = note.campaign_id
    and call.contact_id = note.contact_id
    and call.attempt = note.attempt
    and call.state = 'unknown'
    and call.finished_at is null
