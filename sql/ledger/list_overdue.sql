-- What nothing holds back and nobody has claimed for a while: its dispatchers cannot, or hang.
-- Grain: one row per campaign that has any. Order: none.
-- $now timestamptz: the instant; $since timestamptz: a while ago; $late_limit interval: how long after its time a slot
-- may still be called. What was called, came back or was resumed since then may just have made room for the next call.
select due.campaign_id, count(*) as slots
from due_slots($now::timestamptz, $late_limit::interval, $now::timestamptz) as due
where
    due.held_because is null
    and due.scheduled_at <= $since::timestamptz
    and not exists (
        select 1
        from event
        where
            event.campaign_id = due.campaign_id
            and event.happened_at between $since::timestamptz and $now::timestamptz
    )
group by due.campaign_id
