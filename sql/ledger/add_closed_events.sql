-- Append an event for every call whose question was closed at an instant.
-- Grain: one event per such call.
-- $now timestamptz: the instant
insert into event (campaign_id, contact_id, attempt, happened_at, from_state, to_state, owner_id, reason)
select campaign_id, contact_id, attempt, changed_at, previous_state, 'unknown (final)', owner_id, reason
from call
where state = 'unknown' and finished_at = $now::timestamptz and changed_at = $now::timestamptz
