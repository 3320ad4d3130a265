-- The rows of a list's files that were set aside.
-- Grain: one row per set-aside row. Order: file, line.
-- $list_name varchar: the list
select source_file, line, contact_id, phone_written, kind, reason
from reject
where list_name = $list_name::varchar
order by source_file, line
