-- Make room for how many contacts a version leaves out: of those that are there it was not noted.
-- Grain: the table.
alter table plan_version add column excluded_count bigint
