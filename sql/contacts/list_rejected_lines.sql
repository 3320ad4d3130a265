-- The lines that the last CSV file had and that were not read.
-- Grain: one row per line, with the first fault found on it. Order: line.
select
    line::bigint as line,
    arg_min(
        case error_type
            when 'MISSING COLUMNS' then 'too few columns'
            when 'TOO MANY COLUMNS' then 'too many columns'
            when 'UNQUOTED VALUE' then 'a quote that does not close, or text after a closing quote'
            when 'INVALID ENCODING' then 'not UTF-8 text; save the file as UTF-8'
            when 'LINE SIZE OVER MAXIMUM' then 'the line is too long'
            else lower(error_type)
        end,
        column_idx
    ) as reason
from reject_errors
group by line
order by line
