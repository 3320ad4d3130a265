-- The claimed calls that go back, because they certainly did not ring.
-- Grain: one row per call of the relation answer (campaign_id, contact_id, attempt, lease_id, reason) that is
-- claimed under that lease.
select
    call.campaign_id,
    call.contact_id,
    call.attempt,
    call.lease_id,
    answer.reason,
    exists (
        select 1
        from current_version
        where
            current_version.campaign_id = call.campaign_id and current_version.plan_version = call.plan_version
    ) as slot_counts
from answer
inner join call
    on call.lease_id = answer.lease_id
    and call.campaign_id = answer.campaign_id
    and call.contact_id = answer.contact_id
    and call.attempt = answer.attempt
where call.state = 'claimed'
