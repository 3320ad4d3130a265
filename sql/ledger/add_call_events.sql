-- Append an event for every call that changed state at an instant in this transaction.
-- Grain: one event per such call that has none for the change yet.
-- $changed_at timestamptz: the instant
insert into event (campaign_id, contact_id, attempt, happened_at, from_state, to_state, owner_id, reason)
select
    call.campaign_id,
    call.contact_id,
    call.attempt,
    call.changed_at,
    call.previous_state,
    case when call.state = 'unknown' and call.finished_at is not null then 'unknown (final)' else call.state end,
    call.owner_id,
    call.reason
from call
where
    call.changed_at = $changed_at::timestamptz
    and not exists (
        select 1
        from event
        where
            event.campaign_id = call.campaign_id
            and event.contact_id = call.contact_id
            and event.attempt = call.attempt
            and event.happened_at = call.changed_at
            and event.to_state
            = case
                when call.state = 'unknown' and call.finished_at is not null then 'unknown (final)' else call.state
            end
    )
