-- The events of calls that leave the ledger.
-- Grain: one row per event of the relation leaving (campaign_id, contact_id, attempt). Order: happened_at.
select event.*
from event
inner join leaving
    on leaving.campaign_id = event.campaign_id
    and leaving.contact_id = event.contact_id
    and leaving.attempt = event.attempt
order by event.happened_at
