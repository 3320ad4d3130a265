-- Skips that a publication knew of no longer stand for a planned call.
-- Grain: one row per row of the relation known_skip (contact_id).
-- $campaign_id varchar: the campaign
update skip
set plan_version = 0
from known_skip
where skip.campaign_id = $campaign_id::varchar and skip.contact_id = known_skip.contact_id
