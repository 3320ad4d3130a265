-- Which claimed calls may still be dialled: their claim stands, their version is current, their campaign is live,
-- nobody skipped the contact. An unknown one may be dialled again under its key while its question is open; it was
-- begun before the plan was changed.
-- Grain: one row per call of the relation wanted (campaign_id, contact_id, attempt, lease_id) that may be, with the
-- pace that its campaign has by now.
-- $now timestamptz: the instant
select wanted.campaign_id, wanted.contact_id, wanted.attempt, campaign.calls_per_second
from wanted
inner join call
    on call.campaign_id = wanted.campaign_id
    and call.contact_id = wanted.contact_id
    and call.attempt = wanted.attempt
    and call.lease_id = wanted.lease_id
inner join campaign on campaign.campaign_id = call.campaign_id
where
    call.finished_at is null
    and (
        (
            call.state = 'claimed'
            and call.noted_at is null
            and exists (
                select 1
                from current_version
                where
                    current_version.campaign_id = call.campaign_id
                    and current_version.plan_version = call.plan_version
            )
        )
        or (call.state = 'unknown' and call.deadline_at > $now::timestamptz)
    )
    and campaign.state in ('scheduled', 'active')
    and not exists (
        select 1
        from skip
        where skip.campaign_id = call.campaign_id and skip.contact_id = call.contact_id
    )
