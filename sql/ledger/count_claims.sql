-- How many calls a dispatcher has claimed that are neither answered nor given back.
-- Grain: one row.
-- $owner_id varchar: the dispatcher
select count(*) as calls from call where owner_id = $owner_id::varchar and state = 'claimed'
