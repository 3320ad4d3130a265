-- The attempts that wait for a slot, and since when, or until when, they do.
-- Grain: one row per contact and attempt. Order: none.
-- judged_at timestamptz: the instant; late_limit interval: how far a clock may be ahead. Whose first attempt has no
-- slot never waits for a delay, and a slot that was found by a clock which was further ahead is looked for again.
create or replace macro waiting_attempts(judged_at, late_limit) as table
select
    pending.campaign_id,
    pending.contact_id,
    pending.attempt,
    case
        when pending.attempt = 1 or pending.plan_version is not null then least(pending.ripe_at, judged_at)
        else pending.ripe_at
    end as ripe_at
from pending
left join current_version as found_ahead
    on found_ahead.campaign_id = pending.campaign_id
    and found_ahead.plan_version = pending.plan_version
    and found_ahead.published_at > judged_at + late_limit
where pending.plan_version is null or found_ahead.plan_version is not null
