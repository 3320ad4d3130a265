-- The dispatchers that have worked on this ledger.
-- Grain: one row per dispatcher. It lives while its file in the owners folder is locked.
create table owner (
    owner_id varchar not null,
    host varchar not null,
    pid integer not null,
    boot_id varchar not null,
    started_at timestamptz not null,
    ended_at timestamptz
)
