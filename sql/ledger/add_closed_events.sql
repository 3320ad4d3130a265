-- Append an event for every call whose question was closed at an instant.
-- Grain: one event per such call. Of a claim that was answered with nothing clear, it was unknown before.
-- $now timestamptz: the instant
insert into event (campaign_id, contact_id, attempt, happened_at, from_state, to_state, owner_id, reason)
select
    campaign_id,
    contact_id,
    attempt,
    changed_at,
    case when previous_state = 'claimed' and answered_at is not null then 'unknown' else previous_state end,
    'unknown (final)',
    owner_id,
    reason
from call
where state = 'unknown' and finished_at = $now::timestamptz and changed_at = $now::timestamptz
