-- The further attempts that wait for their first slot, with the call that they follow.
-- Grain: one row per contact and attempt. Order: none. plan_version, state and finished_at are the call's.
-- $campaign_id varchar: the campaign
select pending.contact_id, pending.attempt, call.plan_version, call.state, call.finished_at
from pending
inner join call
    on call.campaign_id = pending.campaign_id
    and call.contact_id = pending.contact_id
    and call.attempt + 1 = pending.attempt
where pending.campaign_id = $campaign_id::varchar and pending.plan_version is null
