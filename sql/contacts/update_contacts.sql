-- Give contacts of a list their new data; they keep their place.
-- Grain: one row per changed contact. Reads incoming (the columns of a contact).
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
where contact.list_name = $list_name::varchar and contact.contact_id = incoming.contact_id
