-- The lists.
-- Grain: one row per list. snapshot is the file name of its published contacts, null before the first.
create table if not exists contact_list (
    list_name varchar not null,
    created_at timestamptz not null,
    contacts bigint not null,
    snapshot varchar
)
