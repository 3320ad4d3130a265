-- Note how many contacts belong to a campaign.
-- Grain: one row.
-- $campaign_id varchar: the campaign; $contact_count bigint
update campaign
set contact_count = $contact_count::bigint
where campaign_id = $campaign_id::varchar
