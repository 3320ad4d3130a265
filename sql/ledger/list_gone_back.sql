-- How many calls went back to their slot lately, and why the last of them did.
-- Grain: one row per campaign that has any. Order: none.
-- $since timestamptz: what lately means
select campaign_id, count(*) as calls, arg_max(reason, happened_at) as reason
from event
where to_state = 'scheduled' and contact_id is not null and happened_at > $since::timestamptz
group by campaign_id
