-- Note that a dispatcher has stopped.
-- Grain: one row.
-- $owner_id varchar; $now timestamptz
update owner set ended_at = $now::timestamptz where owner_id = $owner_id::varchar
