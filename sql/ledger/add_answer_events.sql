-- Append an event for every call whose state an answer is about to change.
-- Grain: one event per such call of the relation answer (campaign_id, contact_id, attempt, lease_id, state,
-- answered_at, reason).
insert into event (campaign_id, contact_id, attempt, happened_at, from_state, to_state, owner_id, reason)
select
    call.campaign_id,
    call.contact_id,
    call.attempt,
    answer.answered_at,
    call.state,
    answer.state,
    call.owner_id,
    answer.reason
from answer
inner join call
    on call.lease_id = answer.lease_id
    and call.campaign_id = answer.campaign_id
    and call.contact_id = answer.contact_id
    and call.attempt = answer.attempt
where call.state in ('claimed', 'unknown') and call.finished_at is null and call.state != answer.state
