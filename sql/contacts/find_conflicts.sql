-- Which incoming contacts have a phone that another contact of the list has.
-- Grain: one row per such contact, with the contact that has the phone.
-- Reads the relation incoming (contact_id, phone).
-- $list_name varchar: the list
select incoming.contact_id, min(contact.contact_id) as holder
from incoming
inner join contact
    on contact.list_name = $list_name::varchar
    and contact.phone = incoming.phone
    and contact.contact_id != incoming.contact_id
group by incoming.contact_id
