-- The attempts that wait for a slot, and until when they do: those without one, and those whose slot was found by a
-- clock that was ahead. Only a further attempt waits for its delay.
-- Grain: one row per contact and attempt. Order: none.
-- judged_at timestamptz: the instant; late_limit interval: how far ahead no clock is found fault with
create or replace macro waiting_attempts(judged_at, late_limit) as table
select
    campaign_id,
    contact_id,
    attempt,
    case when attempt = 1 then least(ripe_at, judged_at) else ripe_at end as ripe_at
from pending
where plan_version is null
union all
select pending.campaign_id, pending.contact_id, pending.attempt, least(pending.ripe_at, judged_at)
from pending
inner join current_version as found_ahead
    on found_ahead.campaign_id = pending.campaign_id and found_ahead.plan_version = pending.plan_version
where found_ahead.published_at > judged_at + late_limit
