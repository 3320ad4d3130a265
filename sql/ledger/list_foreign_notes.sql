-- The plan versions of entries of the dial journal that the ledger does not have: it is too old a copy to go on with.
-- Grain: one row per campaign and version of the relation note (campaign_id, plan_version) that is above all versions
-- of its campaign. Order: campaign, version.
select note.campaign_id, note.plan_version, count(*) as notes
from note
where
    note.plan_version > 0
    and not exists (
        select 1
        from plan_version
        where plan_version.campaign_id = note.campaign_id and plan_version.plan_version >= note.plan_version
    )
group by note.campaign_id, note.plan_version
order by note.campaign_id, note.plan_version
