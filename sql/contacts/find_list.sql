-- One list.
-- Grain: one row, none if it does not exist.
-- $list_name varchar: the list
select list_name, created_at, snapshot_hash from contact_list where list_name = $list_name::varchar
