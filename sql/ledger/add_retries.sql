-- Put the contacts whose call ended in an outcome that is tried again back among those who wait for a slot.
-- Grain: one row per call of the relation ended (campaign_id, contact_id, attempt) that ended so, has attempts
-- left, and whose contact is neither skipped nor waiting already.
insert into pending (campaign_id, contact_id, attempt, ripe_at)
select
    call.campaign_id,
    call.contact_id,
    call.attempt + 1,
    call.finished_at + to_minutes(campaign.retry_minutes[call.state])
from ended
inner join call
    on call.campaign_id = ended.campaign_id
    and call.contact_id = ended.contact_id
    and call.attempt = ended.attempt
inner join campaign on campaign.campaign_id = call.campaign_id
where
    call.finished_at is not null
    and campaign.state in ('scheduled', 'active', 'paused')
    and call.attempt < campaign.max_attempts
    and campaign.retry_minutes[call.state] is not null
    and not exists (
        select 1
        from skip
        where skip.campaign_id = call.campaign_id and skip.contact_id = call.contact_id
    )
    and not exists (
        select 1
        from pending
        where
            pending.campaign_id = call.campaign_id
            and pending.contact_id = call.contact_id
            and pending.attempt > call.attempt
    )
    and not exists (
        select 1
        from call as later
        where
            later.campaign_id = call.campaign_id
            and later.contact_id = call.contact_id
            and later.attempt > call.attempt
    )
