-- Make room for the last version of a campaign of which the dial journal was told: of none yet.
-- Grain: the table.
alter table campaign add column told_version integer default 0
