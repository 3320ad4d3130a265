-- The files a list was loaded from.
-- Grain: one row per file and options. Order: loaded_at.
-- $list_name varchar: the list
select file_label, sha256, options, row_count, loaded_at
from list_file
where list_name = $list_name::varchar
order by loaded_at
