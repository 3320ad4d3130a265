-- The publications of each campaign: which file is which version, and how far it has been staged.
-- Grain: one row per published version. A version either replaces all slots not started, or adds to them.
create table plan_version (
    campaign_id varchar not null,
    plan_version integer not null check (plan_version > 0),
    kind varchar not null check (kind in ('replaces', 'adds')),
    based_on integer not null check (based_on >= 0 and based_on < plan_version),
    file varchar not null,
    sha256 varchar not null,
    contacts_hash varchar not null,
    row_count bigint not null check (row_count > 0),
    first_at timestamptz not null,
    last_at timestamptz not null,
    published_at timestamptz not null,
    staged_until timestamptz not null
)
