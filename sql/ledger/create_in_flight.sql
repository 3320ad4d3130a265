-- Calls in flight: claimed, in progress, or unknown before their deadline.
-- Grain: one row per campaign that has any.
create or replace view in_flight as
select campaign_id, count(*) as calls
from call
where finished_at is null
group by campaign_id
