-- Note that a file was loaded into a list.
-- Grain: one row.
-- $list_name, $file_label, $sha256, $options varchar; $row_count bigint; $now timestamptz
insert into list_file (list_name, file_label, sha256, options, row_count, loaded_at)
values (
    $list_name::varchar, $file_label::varchar, $sha256::varchar, $options::varchar, $row_count::bigint,
    $now::timestamptz
)
