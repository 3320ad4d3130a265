-- Record the outcomes that a dialer reports; the first final outcome wins.
-- Grain: one row per reported call that has no final outcome yet.
-- Reads the relation report (campaign_id, contact_id, attempt, state, reported_at, reason), one row per call.
-- $now timestamptz: when the report was learnt
update call
set
    previous_state = call.state,
    state = report.state,
    finished_at = report.reported_at,
    changed_at = $now::timestamptz,
    reason = report.reason
from report
where
    call.state in ('in_progress', 'unknown')
    and call.campaign_id = report.campaign_id
    and call.contact_id = report.contact_id
    and call.attempt = report.attempt
