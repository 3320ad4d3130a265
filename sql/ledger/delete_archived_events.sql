-- Take the events of exported calls off the ledger.
-- Grain: one event per event of the relation leaving (campaign_id, contact_id, attempt).
delete from event
using leaving
where
    event.campaign_id = leaving.campaign_id
    and event.contact_id = leaving.contact_id
    and event.attempt = leaving.attempt
