-- Take calls off the ledger that were exported, unless they have changed since.
-- Grain: one call per row of the relation leaving (campaign_id, contact_id, attempt, changed_at).
delete from call
using leaving
where
    call.campaign_id = leaving.campaign_id
    and call.contact_id = leaving.contact_id
    and call.attempt = leaving.attempt
    and call.changed_at = leaving.changed_at
    and call.finished_at is not null
