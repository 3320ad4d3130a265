-- The files that were loaded into each list, by their bytes and the options they were read with.
-- Grain: one row per list, file and options. file_label is what its rows without an id are called after.
create table if not exists list_file (
    list_name varchar not null,
    file_label varchar not null,
    sha256 varchar not null,
    options varchar not null,
    row_count bigint not null,
    loaded_at timestamptz not null
)
