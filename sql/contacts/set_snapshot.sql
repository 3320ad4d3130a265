-- Note the snapshot that holds a list as it is now.
-- Grain: one row.
-- $list_name varchar: the list; $snapshot_hash varchar: its hash
update contact_list set snapshot_hash = $snapshot_hash::varchar where list_name = $list_name::varchar
