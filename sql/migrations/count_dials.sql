-- Make room for how often the dial of a call was noted; a ledger of version 2 has it already.
-- Grain: the table.
alter table call add column if not exists dials utinyint default 0
