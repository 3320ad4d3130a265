-- Every list with its counts.
-- Grain: one row per list. Order: name.
select
    contact_list.list_name,
    (select count(*) from contact where contact.list_name = contact_list.list_name) as contacts,
    (select count(*) from reject where reject.list_name = contact_list.list_name) as set_aside,
    (select count(distinct sha256) from list_file where list_file.list_name = contact_list.list_name) as files,
    (select max(loaded_at) from list_file where list_file.list_name = contact_list.list_name) as loaded_at
from contact_list
order by contact_list.list_name
