-- The rows of a CSV file that can be read, all values as text; the others are left in reject_errors.
-- Grain: one row per row of the file, in file order.
-- $file varchar: the path; $delimiter varchar: one character; $has_header boolean: whether to skip a row
-- $columns map(varchar, varchar): varchar for each column's name, in the order of the file
-- $parallel boolean: safe only without quotes, for a scan that starts inside a quoted value takes it for rows
-- $longest bigint: the bytes that a row may have
select *
from read_csv(
    $file,
    auto_detect = false,
    header = $has_header,
    delim = $delimiter,
    quote = '"',
    escape = '"',
    columns = $columns,
    strict_mode = true,
    parallel = $parallel,
    max_line_size = $longest,
    store_rejects = true,
    rejects_line_size_limit = $longest
)
