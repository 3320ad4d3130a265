-- The keys of all JSON objects.
-- Grain: one row per key. Order: where it first appears. Reads the relation json_line (line, text).
with object as (
    select line, json_keys(text) as keys
    from json_line
    where json_valid(text) and json_type(case when json_valid(text) then text end) = 'OBJECT'
),

placed as (
    select line, unnest(keys) as key, generate_subscripts(keys, 1) as place
    from object
)

select key
from placed
group by key
order by min((line, place))
