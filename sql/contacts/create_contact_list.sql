-- The lists and the hash of each one's last published snapshot.
-- Grain: one row per list.
create table if not exists contact_list (
    list_name varchar not null,
    created_at timestamptz not null,
    snapshot_hash varchar
)
