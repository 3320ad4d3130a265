-- Give known contacts their new data; they keep their place in the list.
-- Grain: one row per incoming contact that is known and has changed.
-- Reads the relation incoming (the columns of a contact).
-- $list_name varchar: the list
update contact
set
    phone = incoming.phone,
    first_name = incoming.first_name,
    last_name = incoming.last_name,
    email = incoming.email,
    timezone = incoming.timezone,
    region = incoming.region,
    postal_code = incoming.postal_code,
    variables = incoming.variables,
    source_file = incoming.source_file,
    line = incoming.line
from incoming
where
    contact.list_name = $list_name::varchar
    and contact.contact_id = incoming.contact_id
    and (
        contact.phone, contact.first_name, contact.last_name, contact.email, contact.timezone, contact.region,
        contact.postal_code, contact.variables
    ) is distinct from (
        incoming.phone, incoming.first_name, incoming.last_name, incoming.email, incoming.timezone,
        incoming.region, incoming.postal_code, incoming.variables
    )
