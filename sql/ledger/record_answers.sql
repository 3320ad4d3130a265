-- Record what the dialer answered to the requests of claimed calls.
-- Grain: one row per answered call; only calls that are still claimed change.
-- Reads the relation answer (campaign_id, contact_id, attempt, state, provider_call_id, noted_at, answered_at,
-- reason), one row per call.
-- $lease_id varchar: the claim
update call
set
    previous_state = call.state,
    state = answer.state,
    provider_call_id = answer.provider_call_id,
    noted_at = answer.noted_at,
    answered_at = answer.answered_at,
    finished_at = case when answer.state in ('in_progress', 'unknown') then null else answer.answered_at end,
    changed_at = answer.answered_at,
    reason = answer.reason
from answer
where
    call.lease_id = $lease_id::varchar
    and call.state = 'claimed'
    and call.campaign_id = answer.campaign_id
    and call.contact_id = answer.contact_id
    and call.attempt = answer.attempt
