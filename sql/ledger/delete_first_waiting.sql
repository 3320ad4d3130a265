-- Forget which first attempts wait for another slot, because a new version plans all of them anew.
-- Grain: one row of pending per first attempt.
-- $campaign_id varchar: the campaign
delete from pending where campaign_id = $campaign_id::varchar and attempt = 1
