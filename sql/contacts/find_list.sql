-- One list.
-- Grain: one row, none if there is no such list.
-- $list_name varchar: the list
select list_name, created_at, contacts, snapshot
from contact_list
where list_name = $list_name::varchar
