-- Forget the claims of calls that went back.
-- Grain: one call per row of the relation returning_call (campaign_id, contact_id, attempt, lease_id).
delete from call
using returning_call
where
    call.lease_id = returning_call.lease_id
    and call.campaign_id = returning_call.campaign_id
    and call.contact_id = returning_call.contact_id
    and call.attempt = returning_call.attempt
