-- Let a campaign's calls be claimed again after its plan was changed.
-- Grain: one row, none if the change is no longer the one that holds the claims.
-- $campaign_id varchar: the campaign; $change_id varchar: names the change
update campaign
set change_id = null, changing_until = null
where
    campaign_id = $campaign_id::varchar
    and change_id = $change_id::varchar
