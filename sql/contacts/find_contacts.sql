-- The contacts of a list.
-- Grain: one row per contact, in no order; position is its place in the list, from 0.
-- $list_name varchar: the list
select
    position,
    contact_id,
    phone,
    first_name,
    last_name,
    email,
    timezone,
    region,
    postal_code,
    variables,
    source_file,
    line
from contact
where list_name = $list_name::varchar
