-- The changes of campaigns' states after an instant.
-- Grain: one row per change. Order: happened_at.
-- $after timestamptz: the instant, exclusive
select event.campaign_id, campaign.name, event.happened_at, event.from_state, event.to_state, event.reason
from event
inner join campaign on campaign.campaign_id = event.campaign_id
where event.contact_id is null and event.happened_at > $after::timestamptz
order by event.happened_at
