-- Take all slots of a campaign off the stage, because a new version replaces them.
-- Grain: one slot per row.
-- $campaign_id varchar: the campaign
delete from slot where campaign_id = $campaign_id::varchar
