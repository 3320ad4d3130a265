-- Make an empty list, unless it exists.
-- Grain: one row, none if it exists.
-- $list_name varchar: the list
-- $now timestamptz: the present instant
insert into contact_list (list_name, created_at, contacts, snapshot)
select $list_name::varchar, $now::timestamptz, 0, null
where not exists (select 1 from contact_list where list_name = $list_name::varchar)
