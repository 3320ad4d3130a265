-- Pauses and cancellations that the dial journal knows and the ledger does not.
-- Grain: one row per campaign of the ledger and state, of the relation stop (campaign_id, state, stopped_at).
-- Order: campaign, pauses before cancellations.
select distinct stop.campaign_id, stop.state
from stop
inner join campaign on campaign.campaign_id = stop.campaign_id
where
    not exists (
        select 1
        from event
        where
            event.campaign_id = stop.campaign_id
            and event.contact_id is null
            and event.to_state = stop.state
            and event.happened_at = stop.stopped_at
    )
order by stop.campaign_id, stop.state desc
