-- Make room for how often the dial of a call was noted.
-- Grain: the table.
alter table call add column dials utinyint default 0
