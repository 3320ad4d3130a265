-- The calls that a dialer has taken on and whose outcome is not known.
-- Grain: one row per call. Order: none.
select
    call.campaign_id,
    call.contact_id,
    call.attempt,
    call.provider_call_id,
    call.scheduled_at,
    call.noted_at,
    campaign.dialer
from call
inner join campaign on campaign.campaign_id = call.campaign_id
where call.state = 'in_progress'
