-- The good rows of a CSV file, every column as text.
-- Grain: one row per good row, in file order; bad lines are kept aside in reject_errors.
-- $file varchar: the path; $delimiter varchar; $columns map of header to VARCHAR, in file order;
-- $max_line_bytes bigint
select *
from read_csv(
    $file,
    auto_detect = false,
    header = true,
    delim = $delimiter,
    quote = '"',
    escape = '"',
    columns = $columns,
    store_rejects = true,
    strict_mode = true,
    max_line_size = $max_line_bytes
)
