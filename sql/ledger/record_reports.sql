-- Record the outcomes that a dialer or a person reports; the first final outcome wins.
-- Grain: one row per call of the relation report (campaign_id, contact_id, attempt, state, provider_status,
-- reported_at, reason), one row each, that has no outcome yet. None has ended before it was dialled, whatever a
-- provider says: the delay of a further attempt is counted from there.
-- $now timestamptz: when the report was learnt
update call
set
    previous_state = call.state,
    state = report.state,
    finished_at = coalesce(call.finished_at, greatest(report.reported_at, call.noted_at)),
    changed_at = $now::timestamptz,
    provider_status = coalesce(report.provider_status, call.provider_status),
    reason = report.reason
from report
where
    call.state in ('in_progress', 'unknown')
    and call.campaign_id = report.campaign_id
    and call.contact_id = report.contact_id
    and call.attempt = report.attempt
