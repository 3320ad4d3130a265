-- Append the incoming contacts that the list does not know, in the order they came.
-- Grain: one row per new contact.
-- Reads the relation incoming (the columns of a contact, row_number).
-- $list_name varchar: the list
insert into contact (
    list_name, position, contact_id, phone, first_name, last_name, email, timezone, region, postal_code,
    variables, source_file, line
)
select
    $list_name::varchar,
    (select coalesce(max(position), -1) from contact where list_name = $list_name::varchar)
    + row_number() over (order by incoming.row_number),
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
where
    not exists (
        select 1
        from contact
        where contact.list_name = $list_name::varchar and contact.contact_id = incoming.contact_id
    )
order by incoming.row_number
