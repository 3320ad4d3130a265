-- The calls whose outcome is to be learnt from the provider, which knows them by an id.
-- Grain: one row per call in progress, or unknown with an id, that is not closed; is_overdue where it is past its
-- deadline. Order: deadline.
-- $now timestamptz: the instant
select
    call.campaign_id,
    call.contact_id,
    call.attempt,
    call.provider_call_id,
    call.scheduled_at,
    call.noted_at,
    campaign.dialer,
    call.deadline_at <= $now::timestamptz as is_overdue
from call
inner join campaign on campaign.campaign_id = call.campaign_id
where
    call.finished_at is null
    and call.state in ('in_progress', 'unknown')
    and call.provider_call_id is not null
order by call.deadline_at
