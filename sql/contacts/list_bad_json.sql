-- The lines that are no JSON object.
-- Grain: one row per line. Order: line. Reads the relation json_line (line, text).
select line, 'not a JSON object' as reason
from json_line
where not json_valid(text) or json_type(case when json_valid(text) then text end) != 'OBJECT'
order by line
