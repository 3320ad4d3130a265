-- The rows of loaded files that were set aside.
-- Grain: one row per list, file and line.
create table if not exists reject (
    list_name varchar not null,
    source_file varchar not null,
    line bigint not null,
    contact_id varchar,
    phone_written varchar,
    kind varchar not null,
    reason varchar not null
)
