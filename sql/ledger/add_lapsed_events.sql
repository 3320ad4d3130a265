-- Append an event for every further attempt that is not made, because it finds no slot any more.
-- Grain: one event per row of the relation lapsed (contact_id, attempt).
-- $campaign_id varchar: the campaign; $reason varchar: why; $now timestamptz: the instant
insert into event (campaign_id, contact_id, attempt, happened_at, from_state, to_state, reason)
select $campaign_id::varchar, contact_id, attempt, $now::timestamptz, 'pending', 'lapsed', $reason::varchar
from lapsed
