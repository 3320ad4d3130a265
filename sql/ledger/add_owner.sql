-- Note a dispatcher that starts working on the ledger.
-- Grain: one row.
-- $owner_id, $host varchar; $pid integer; $boot_id varchar; $now timestamptz
insert into owner (owner_id, host, pid, boot_id, started_at)
values ($owner_id::varchar, $host::varchar, $pid::integer, $boot_id::varchar, $now::timestamptz)
