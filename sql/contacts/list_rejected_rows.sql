-- The rows that the last read_csv could not read.
-- Grain: one row per row of the file, in file order. Reads reject_errors, which can have several for one.
-- starts_at_byte and ends_at_byte count from the start of the file; blank lines around the row are left out.
-- open_quote: the row ran on into others.
with fault as (
    select
        line_byte_position - 1 as written_at_byte,
        any_value(csv_line) as written,
        arg_min(error_type::varchar, coalesce(column_idx, 0)) as kind
    from reject_errors
    group by line_byte_position
),

placed as (
    select
        written_at_byte + strlen(written) - strlen(ltrim(written, e'\r\n')) as starts_at_byte,
        trim(written, e'\r\n') as text,
        kind
    from fault
)

select
    starts_at_byte,
    starts_at_byte + strlen(text) as ends_at_byte,
    kind = 'LINE SIZE OVER MAXIMUM' or (kind = 'UNQUOTED VALUE' and contains(text, e'\n')) as open_quote,
    case kind
        when 'MISSING COLUMNS' then 'too few columns'
        when 'TOO MANY COLUMNS' then 'too many columns'
        when 'UNQUOTED VALUE' then 'a quote that does not close, or text after a closing quote'
        when 'INVALID ENCODING' then 'not UTF-8 text; save the file as UTF-8'
        when 'LINE SIZE OVER MAXIMUM' then 'the row is too long, or a quote does not close'
        else lower(kind)
    end as reason
from placed
order by starts_at_byte
