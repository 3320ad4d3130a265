-- How many calls are in flight over all campaigns.
-- Grain: one row.
select count(*) as calls from call where finished_at is null
