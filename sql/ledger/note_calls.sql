-- Record that calls were noted in the dial journal: they count as dialled from here on.
-- Grain: one row per call of the relation note (campaign_id, contact_id, attempt, lease_id, noted_at, deadline_at)
-- that is claimed under this lease and not noted yet.
update call
set noted_at = note.noted_at, deadline_at = note.deadline_at, dials = 1
from note
where
    call.lease_id = note.lease_id
    and call.campaign_id = note.campaign_id
    and call.contact_id = note.contact_id
    and call.attempt = note.attempt
    and call.state = 'claimed'
    and call.noted_at is null
