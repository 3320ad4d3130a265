-- Close the question about calls that nobody has answered by their deadline: finally unknown, never retried. Where
-- the provider could be asked, it has the grace to answer once more.
-- Grain: one row per call past its deadline, but for those in the relation asked (campaign_id, contact_id, attempt)
-- within the grace.
-- $now timestamptz: the instant; $grace interval: how long after its deadline an asked call waits for the answer
update call
set
    previous_state = case when state = 'unknown' then previous_state else state end,
    state = 'unknown',
    finished_at = $now::timestamptz,
    changed_at = $now::timestamptz,
    reason = coalesce(reason || '; ', '') || 'no outcome by the deadline'
where
    (state in ('in_progress', 'unknown') or (state = 'claimed' and noted_at is not null))
    and finished_at is null
    and deadline_at <= $now::timestamptz
    and (
        provider_call_id is null
        or deadline_at + $grace::interval <= $now::timestamptz
        or exists (
            select 1
            from asked
            where
                asked.campaign_id = call.campaign_id
                and asked.contact_id = call.contact_id
                and asked.attempt = call.attempt
        )
    )
