-- Settings that the dial journal knows and the ledger does not.
-- Grain: one row per campaign of the relation change (campaign_id, plan_version, settings: one row per campaign)
-- whose settings are others. Those of before its last version are in that version; while the journal has yet to be
-- told of an edit of this ledger, that one counts. Order: campaign.
select change.campaign_id, change.settings
from change
inner join campaign on campaign.campaign_id = change.campaign_id
where
    campaign.settings_told is distinct from false
    and change.settings <> campaign.settings
    and change.plan_version >= (
        select coalesce(max(plan_version.plan_version), 0)
        from plan_version
        where plan_version.campaign_id = change.campaign_id
    )
order by change.campaign_id
