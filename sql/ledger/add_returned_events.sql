-- Append an event for every call that goes back.
-- Grain: one event per row of the relation returning_call (campaign_id, contact_id, attempt, reason).
-- $now timestamptz: the instant
insert into event (campaign_id, contact_id, attempt, happened_at, from_state, to_state, owner_id, reason)
select
    call.campaign_id,
    call.contact_id,
    call.attempt,
    $now::timestamptz,
    'claimed',
    'scheduled',
    call.owner_id,
    returning_call.reason
from returning_call
inner join call
    on call.campaign_id = returning_call.campaign_id
    and call.contact_id = returning_call.contact_id
    and call.attempt = returning_call.attempt
