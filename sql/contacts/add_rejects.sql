-- Keep rows that were set aside, with why.
-- Grain: one row per row of the relation rejected.
-- Reads the relation rejected (source_file, line, contact_id, phone_written, kind, reason).
-- $list_name varchar: the list
insert into reject (list_name, source_file, line, contact_id, phone_written, kind, reason)
select $list_name::varchar, source_file, line, contact_id, phone_written, kind, reason
from rejected
