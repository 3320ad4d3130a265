-- Note the snapshot that holds a list as it is now.
-- Grain: one row.
-- $list_name varchar: the list
-- $contacts bigint: how many contacts it has
-- $snapshot varchar: the snapshot's file name
update contact_list
set contacts = $contacts::bigint, snapshot = $snapshot::varchar
where list_name = $list_name::varchar
