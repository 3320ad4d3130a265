-- Record what the dialer answered to the requests of a claim.
-- Grain: one row per call of the relation answer (campaign_id, contact_id, attempt, lease_id, state,
-- provider_call_id, answered_at, reason) about which nothing was known yet.
-- $now timestamptz: the instant
update call
set
    previous_state = case when call.state = answer.state then call.previous_state else call.state end,
    state = answer.state,
    provider_call_id = coalesce(answer.provider_call_id, call.provider_call_id),
    answered_at = answer.answered_at,
    finished_at = case when answer.state in ('in_progress', 'unknown') then null else answer.answered_at end,
    changed_at = $now::timestamptz,
    reason = answer.reason
from answer
where
    call.lease_id = answer.lease_id
    and call.campaign_id = answer.campaign_id
    and call.contact_id = answer.contact_id
    and call.attempt = answer.attempt
    and call.state in ('claimed', 'unknown')
    and call.finished_at is null
    and call.noted_at is not null
