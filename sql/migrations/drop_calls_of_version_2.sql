-- Drop the calls that were taken over.
-- Grain: the table.
drop table call_of_version_2
