-- Take up calls that the dial journal knows and the ledger does not, because it is an older copy.
-- Grain: one call per row of the relation note (the columns of NOTES) that has none. Its variables are not known.
insert into call (
    campaign_id, contact_id, attempt, plan_version, phone, from_number, variables, timezone, scheduled_at,
    not_after, call_date, slot_index, state, previous_state, owner_id, lease_id, claimed_at, noted_at, deadline_at,
    changed_at, dials
)
select
    note.campaign_id,
    note.contact_id,
    note.attempt,
    note.plan_version,
    note.phone,
    note.from_number,
    '{}',
    note.timezone,
    note.scheduled_at,
    note.not_after,
    note.call_date,
    note.slot_index,
    'claimed',
    'scheduled',
    note.owner_id,
    note.lease_id,
    note.claimed_at,
    note.noted_at,
    note.deadline_at,
    note.noted_at,
    1
from note
where
    not exists (
        select 1
        from call
        where
            call.campaign_id = note.campaign_id
            and call.contact_id = note.contact_id
            and call.attempt = note.attempt
    )
