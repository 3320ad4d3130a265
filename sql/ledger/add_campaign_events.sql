-- Append an event for every campaign that changed state at an instant in this transaction.
-- Grain: one event per such campaign that has none for the change yet.
-- $changed_at timestamptz: the instant
insert into event (campaign_id, happened_at, from_state, to_state, reason)
select campaign.campaign_id, campaign.changed_at, campaign.previous_state, campaign.state, campaign.reason
from campaign
where
    campaign.changed_at = $changed_at::timestamptz
    and not exists (
        select 1
        from event
        where
            event.campaign_id = campaign.campaign_id
            and event.contact_id is null
            and event.happened_at = campaign.changed_at
            and event.to_state = campaign.state
    )
