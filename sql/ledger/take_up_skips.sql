-- Take up skips that the dial journal knows and the ledger does not, because it is an older copy.
-- Grain: one row per campaign and contact of the relation skipped (campaign_id, contact_id, reason, skipped_at,
-- plan_version) that is not out yet, of a campaign of the ledger. Where its plan_version is not known it counts as
-- planned.
insert into skip (campaign_id, contact_id, reason, skipped_at, plan_version)
select
    skipped.campaign_id,
    skipped.contact_id,
    any_value(skipped.reason),
    min(skipped.skipped_at),
    coalesce(min_by(skipped.plan_version, skipped.skipped_at), max(plan_version.plan_version), 0)
from skipped
inner join campaign on campaign.campaign_id = skipped.campaign_id
left join plan_version on plan_version.campaign_id = skipped.campaign_id
where
    not exists (
        select 1
        from skip
        where skip.campaign_id = skipped.campaign_id and skip.contact_id = skipped.contact_id
    )
group by skipped.campaign_id, skipped.contact_id
