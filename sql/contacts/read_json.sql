-- The values of JSON objects as text; nested values stay JSON.
-- Grain: one row per line that is an object. Order: line. Reads the relation json_line (line, text).
-- $paths list of varchar: the JSON path of each wanted value, in the order of the list found
select json_extract_string(text, $paths::varchar[]) as found, line
from json_line
where json_valid(text) and json_type(case when json_valid(text) then text end) = 'OBJECT'
order by line
