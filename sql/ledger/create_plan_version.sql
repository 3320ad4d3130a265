-- The publications of each campaign: which file is which version, and how far it has been staged.
-- Grain: one row per published version. A version either replaces all slots not started, or adds to them.
-- first_at and last_at are null where it plans nobody. excluded_count: how many contacts it leaves out, null
-- where that was never noted. missed_from: slots from then on up to missed_until, exclusive, were passed over, because
-- nobody dispatched at their time.
create table plan_version (
    campaign_id varchar not null,
    plan_version integer not null check (plan_version > 0),
    kind varchar not null check (kind in ('replaces', 'adds')),
    based_on integer not null check (based_on >= 0 and based_on < plan_version),
    file varchar not null,
    sha256 varchar not null,
    contacts_hash varchar not null,
    row_count bigint not null check (row_count >= 0),
    first_at timestamptz,
    last_at timestamptz,
    published_at timestamptz not null,
    staged_until timestamptz not null,
    missed_from timestamptz,
    excluded_count bigint,
    missed_until timestamptz,
    check ((row_count > 0) = (first_at is not null and last_at is not null))
)
