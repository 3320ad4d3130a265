-- The contacts of a list.
-- Grain: one row per contact. Order: list order.
-- $list_name varchar: the list
select
    contact_id, phone, first_name, last_name, email, timezone, region, postal_code, variables, source_file, line
from contact
where list_name = $list_name::varchar
order by position
