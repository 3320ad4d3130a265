-- The events of calls that leave the ledger.
-- Grain: one row per event of the relation leaving (campaign_id, contact_id, attempt). Order: as they were
-- written; at one instant a call can go back and be claimed again, and a report tells of an earlier one.
select event.*
from event
inner join leaving
    on leaving.campaign_id = event.campaign_id
    and leaving.contact_id = event.contact_id
    and leaving.attempt = event.attempt
order by event.rowid
