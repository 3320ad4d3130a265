-- Set the calls of a ledger of version 2 aside, so that the table can be made anew.
-- Grain: the table.
alter table call rename to call_of_version_2
