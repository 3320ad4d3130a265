-- The calls of a batch that are still claimed, noted or not.
-- Grain: one row per call of the relation failed_claim (campaign_id, contact_id, attempt, lease_id) that is.
select call.campaign_id, call.contact_id, call.attempt, call.lease_id, call.noted_at is not null as was_noted
from failed_claim
inner join call
    on call.lease_id = failed_claim.lease_id
    and call.campaign_id = failed_claim.campaign_id
    and call.contact_id = failed_claim.contact_id
    and call.attempt = failed_claim.attempt
where call.state = 'claimed'
