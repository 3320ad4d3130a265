-- Every list with its counts.
-- Grain: one row per list. Order: name.
with aside as (
    select list_name, count(*) as set_aside
    from reject
    group by list_name
),

loaded as (
    select list_name, count(distinct sha256) as files, max(loaded_at) as loaded_at
    from list_file
    group by list_name
)

select
    contact_list.list_name,
    contact_list.contacts,
    coalesce(aside.set_aside, 0) as set_aside,
    coalesce(loaded.files, 0) as files,
    loaded.loaded_at
from contact_list
left join aside on aside.list_name = contact_list.list_name
left join loaded on loaded.list_name = contact_list.list_name
order by contact_list.list_name
