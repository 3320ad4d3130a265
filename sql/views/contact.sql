-- The contacts of every list, as last loaded.
-- Grain: one row per list and contact. Reads contact_file.
create view contact as
select
    split_part(filename, '/', -2) as list_name, contact_id, phone, first_name, last_name, email, timezone, region,
    postal_code, variables, source_file, line
from contact_file
