-- Skips that a publication knew of no longer stand for a planned call. That of somebody whose first call is open
-- does: where that call goes back, nothing else stands for the contact.
-- Grain: one row per row of the relation known_skip (contact_id).
-- $campaign_id varchar: the campaign
update skip
set plan_version = 0
from known_skip
where skip.campaign_id = $campaign_id::varchar and skip.contact_id = known_skip.contact_id
    and not exists (
        select 1
        from call
        where
            call.campaign_id = skip.campaign_id
            and call.contact_id = skip.contact_id
            and call.attempt = 1
            and call.finished_at is null
    )
