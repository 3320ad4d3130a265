-- The calls of a campaign that are claimed and were not noted in the dial journal.
-- Grain: one row per call; none where the campaign was resumed, or stopped once more, after $stopped_at.
-- $campaign_id varchar: the campaign; $stopped_at timestamptz or null: when it was held back or ended
select call.campaign_id, call.contact_id, call.attempt, call.lease_id
from call
inner join campaign on campaign.campaign_id = call.campaign_id
where
    call.campaign_id = $campaign_id::varchar
    and call.state = 'claimed'
    and call.noted_at is null
    and campaign.changed_at = coalesce($stopped_at::timestamptz, campaign.changed_at)
