-- Every planned call beside what became of it.
-- Grain: one row per planned contact and attempt; the columns of the call are null until it is claimed.
create view planned_and_actual as
select
    plan.campaign_id,
    campaign.name as campaign,
    campaign.timezone as campaign_timezone,
    plan.contact_id,
    plan.attempt,
    plan.from_number,
    plan.timezone,
    plan.call_date,
    plan.scheduled_at,
    plan.not_after,
    call.noted_at as called_at,
    call.finished_at,
    epoch(call.noted_at - plan.scheduled_at) as late_seconds,
    coalesce(call.state, case when skip.contact_id is not null then 'skipped' else 'scheduled' end) as state
from plan
inner join campaign on campaign.campaign_id = plan.campaign_id
left join call
    on call.campaign_id = plan.campaign_id and call.contact_id = plan.contact_id and call.attempt = plan.attempt
left join skip on skip.campaign_id = plan.campaign_id and skip.contact_id = plan.contact_id
