-- Make a list, unless it exists.
-- Grain: one row.
-- $list_name varchar: the list; $now timestamptz: the instant
insert into contact_list (list_name, created_at)
select $list_name::varchar, $now::timestamptz
where not exists (select 1 from contact_list where list_name = $list_name::varchar)
