-- The calls of one claim that have not been noted.
-- Grain: one row per call (the columns of request). Order: scheduled_at.
-- $lease_id varchar: the claim
select *
from request
where lease_id = $lease_id::varchar and state = 'claimed' and not replays
order by scheduled_at
