-- Close the question about calls that nobody has answered by their deadline: finally unknown, never retried.
-- Grain: one row per call past its deadline.
-- $now timestamptz: the instant
update call
set
    previous_state = case when state = 'unknown' then previous_state else state end,
    state = 'unknown',
    finished_at = $now::timestamptz,
    changed_at = $now::timestamptz,
    reason = coalesce(reason || '; ', '') || 'no outcome by the deadline'
where state in ('in_progress', 'unknown') and finished_at is null and deadline_at <= $now::timestamptz
