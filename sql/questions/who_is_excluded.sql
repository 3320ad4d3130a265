-- Who is not called, and why?
-- Grain: one row per campaign and contact that is not planned.
select campaign.name as campaign, excluded.contact_id, excluded.line, excluded.reason
from excluded
inner join campaign on campaign.campaign_id = excluded.campaign_id
order by campaign, excluded.line
