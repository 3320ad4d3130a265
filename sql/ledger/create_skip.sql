-- The contacts that a person has taken out of a campaign.
-- Grain: one row per campaign and contact. plan_version is the version that was current then and planned the
-- contact, 0 for none.
create table skip (
    campaign_id varchar not null,
    contact_id varchar not null,
    reason varchar not null,
    skipped_at timestamptz not null,
    plan_version integer not null
)
