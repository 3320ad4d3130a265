-- Forget what was set aside of a file, before it is read anew.
-- Grain: one row per set-aside row of the file.
-- $list_name varchar: the list; $file_label varchar: the file
delete from reject where list_name = $list_name::varchar and source_file = $file_label::varchar
