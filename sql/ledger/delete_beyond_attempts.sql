-- Attempts beyond what the settings now allow are not made.
-- Grain: one row of pending per such attempt.
-- $campaign_id varchar: the campaign
delete from pending
using campaign
where
    pending.campaign_id = $campaign_id::varchar
    and campaign.campaign_id = pending.campaign_id
    and pending.attempt > campaign.max_attempts
