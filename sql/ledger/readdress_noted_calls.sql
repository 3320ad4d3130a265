-- Give claimed calls that nobody noted under their lease to the claim under which the dial journal has them: an
-- older copy of the ledger still has the claim before.
-- Grain: one row per such call of the relation note (the columns of NOTES).
update call
set
    plan_version = note.plan_version,
    phone = note.phone,
    from_number = note.from_number,
    timezone = note.timezone,
    scheduled_at = note.scheduled_at,
    not_after = note.not_after,
    call_date = note.call_date,
    slot_index = note.slot_index,
    owner_id = note.owner_id,
    lease_id = note.lease_id,
    claimed_at = note.claimed_at,
    noted_at = note.noted_at,
    deadline_at = note.deadline_at,
    changed_at = note.noted_at,
    dials = 1
from note
where
    call.campaign_id = note.campaign_id
    and call.contact_id = note.contact_id
    and call.attempt = note.attempt
    and call.lease_id != note.lease_id
    and call.state = 'claimed'
    and call.noted_at is null
