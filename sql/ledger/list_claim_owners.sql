-- The owners of claims that nothing is known of yet.
-- Grain: one row per owner. Order: owner_id.
select distinct owner_id
from call
where state = 'claimed'
order by owner_id
