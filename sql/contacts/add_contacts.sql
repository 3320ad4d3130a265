-- Append contacts to a list.
-- Grain: one row per new contact. Reads incoming (row_number: the place in the list, from 0, and the columns of
-- a contact).
-- $list_name varchar: the list
insert into contact (
    list_name, position, contact_id, phone, first_name, last_name, email, timezone, region, postal_code,
    variables, source_file, line
)
select
    $list_name::varchar,
    incoming.row_number,
    incoming.contact_id,
    incoming.phone,
    incoming.first_name,
    incoming.last_name,
    incoming.email,
    incoming.timezone,
    incoming.region,
    incoming.postal_code,
    incoming.variables,
    incoming.source_file,
    incoming.line
from incoming
