-- The attempts that wait for a slot, or got one from a later version than their contact's first.
-- Grain: one row per campaign, contact and attempt, until it is claimed. plan_version is the version whose slot
-- counts, null for none yet; ripe_at is when the attempt may be planned.
create table pending (
    campaign_id varchar not null,
    contact_id varchar not null,
    attempt utinyint not null check (attempt > 0),
    ripe_at timestamptz not null,
    plan_version integer
)
