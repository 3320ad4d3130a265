-- Have nobody of a campaign wait any more.
-- Grain: one row of pending per attempt that waits.
-- $campaign_id varchar: the campaign
delete from pending
where campaign_id = $campaign_id::varchar
