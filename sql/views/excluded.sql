-- Who is not planned, and why.
-- Grain: one row per campaign and excluded contact. Reads excluded_file.
create view excluded as
select split_part(filename, '/', -2) as campaign_id, contact_id, line, reason
from excluded_file
