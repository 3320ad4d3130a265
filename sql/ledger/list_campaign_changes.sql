-- The changes of campaigns' states after an instant; a pause of one that is paused is none.
-- Grain: one row per change. Order: happened_at.
-- $after timestamptz: the instant, exclusive
select event.campaign_id, campaign.name, event.happened_at, event.from_state, event.to_state, event.reason
from event
inner join campaign on campaign.campaign_id = event.campaign_id
where
    event.contact_id is null
    and event.happened_at > $after::timestamptz
    and event.from_state is distinct from event.to_state
order by event.happened_at
