-- Make room for whether the dial journal was told of a campaign's settings: it was not, and may know newer ones.
-- Grain: the table.
alter table campaign add column settings_told boolean
