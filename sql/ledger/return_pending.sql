-- Note which version's slot counts for the attempts of calls that go back, none where it was replaced meanwhile. An
-- attempt that the settings no longer allow is not made.
-- Grain: one row per row of the relation returning_call (campaign_id, contact_id, attempt, slot_counts).
-- $now timestamptz: the instant from which a new slot may be looked for
insert into pending (campaign_id, contact_id, attempt, ripe_at, plan_version)
select
    call.campaign_id,
    call.contact_id,
    call.attempt,
    $now::timestamptz,
    case when returning_call.slot_counts then call.plan_version end
from returning_call
inner join call
    on call.campaign_id = returning_call.campaign_id
    and call.contact_id = returning_call.contact_id
    and call.attempt = returning_call.attempt
inner join campaign on campaign.campaign_id = call.campaign_id
where
    call.attempt <= campaign.max_attempts
    and not exists (
        select 1
        from skip
        where skip.campaign_id = call.campaign_id and skip.contact_id = call.contact_id
    )
