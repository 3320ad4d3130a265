-- What has fallen due and what holds it back.
-- Grain: one row per due slot; held_because is null where the call may be placed. Order: scheduled_at.
-- $now timestamptz: the instant the gates are judged at
-- $late_limit interval: how long after its time a slot may still be called
select
    due.campaign_id,
    campaign.name as campaign,
    campaign.timezone,
    campaign.dialer,
    due.contact_id,
    due.attempt,
    due.phone,
    due.from_number,
    due.scheduled_at,
    due.held_because
from due_slots($now::timestamptz, $late_limit::interval, $now::timestamptz) as due
inner join campaign on campaign.campaign_id = due.campaign_id
order by due.scheduled_at
