-- The calls of one claim that nothing is known of yet, with the dialer of their campaign.
-- Grain: one row per call. Order: scheduled_at.
-- $lease_id varchar: the claim
select
    call.campaign_id,
    call.contact_id,
    call.attempt,
    call.phone,
    call.from_number,
    call.variables,
    call.scheduled_at,
    call.not_after,
    call.claimed_at,
    campaign.dialer
from call
inner join campaign on campaign.campaign_id = call.campaign_id
where call.lease_id = $lease_id::varchar and call.state = 'claimed'
order by call.scheduled_at
