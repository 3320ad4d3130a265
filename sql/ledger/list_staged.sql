-- What the staged slots of live campaigns were read from.
-- Grain: one row per campaign, current version and snapshot of its list, with the first and the last of these slots;
-- snapshot is null where it is not known. Order: campaign, version, snapshot.
select
    current_version.campaign_id,
    current_version.plan_version,
    current_version.file,
    current_version.sha256,
    campaign.contact_list,
    campaign.settings,
    slot.snapshot,
    min(slot.scheduled_at) as first_at,
    max(slot.scheduled_at) as last_at
from slot
inner join current_version
    on current_version.campaign_id = slot.campaign_id and current_version.plan_version = slot.plan_version
inner join campaign on campaign.campaign_id = slot.campaign_id
where campaign.state in ('scheduled', 'active')
group by all
order by current_version.campaign_id, current_version.plan_version, slot.snapshot
