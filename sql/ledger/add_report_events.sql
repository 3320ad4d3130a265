-- Append an event for every call whose outcome a report is about to give.
-- Grain: one event per such call of the relation report (campaign_id, contact_id, attempt, state, reported_at,
-- reason).
insert into event (campaign_id, contact_id, attempt, happened_at, from_state, to_state, owner_id, reason)
select
    call.campaign_id,
    call.contact_id,
    call.attempt,
    greatest(report.reported_at, call.noted_at),
    call.state,
    report.state,
    call.owner_id,
    report.reason
from report
inner join call
    on call.campaign_id = report.campaign_id
    and call.contact_id = report.contact_id
    and call.attempt = report.attempt
where call.state in ('in_progress', 'unknown')
