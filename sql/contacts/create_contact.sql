-- The usable contacts of every list.
-- Grain: one row per list and contact_id. position is the place in list order, from 0.
create table if not exists contact (
    list_name varchar not null,
    position bigint not null,
    contact_id varchar not null,
    phone varchar not null,
    first_name varchar,
    last_name varchar,
    email varchar,
    timezone varchar,
    region varchar,
    postal_code varchar,
    variables varchar not null,
    source_file varchar not null,
    line bigint not null
)
