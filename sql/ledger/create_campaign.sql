-- The campaigns: their settings, where they stand in their life, and the limits that dispatch reads.
-- Grain: one row per campaign. previous_state and state are one legal step of the life of a campaign.
-- listed_count: how many of its list, from the beginning, belong to it. changing_until: until then somebody is
-- changing its plan and nothing is claimed; change_id says who. replanned_at: when those without a slot were
-- last looked after; hindrance: what kept some of them from getting one. told_version: the last version of
-- which the dial journal was told; settings_told: whether it was told of the settings as they are, null where it may
-- know newer ones.
create table campaign (
    campaign_id varchar not null,
    name varchar not null,
    settings varchar not null,
    dialer varchar,
    contact_list varchar,
    timezone varchar not null,
    state varchar not null,
    previous_state varchar,
    reason varchar,
    created_at timestamptz not null,
    changed_at timestamptz not null,
    starts_at timestamptz,
    finished_at timestamptz,
    contact_count bigint not null default 0,
    excluded_count bigint not null default 0,
    listed_count bigint not null default 0,
    changing_until timestamptz,
    change_id varchar,
    replanned_at timestamptz,
    hindrance varchar,
    max_concurrent_calls integer not null,
    max_call_minutes integer not null,
    calls_per_second double,
    max_calls_per_day integer,
    max_calls_per_number_per_day integer,
    max_attempts integer not null default 1,
    retry_minutes map(varchar, integer) not null default map {},
    first_date date,
    first_date_cap integer,
    told_version integer default 0,
    settings_told boolean,
    check (
        (coalesce(previous_state, 'none'), state) in (
            ('none', 'draft'),
            ('draft', 'scheduled'), ('draft', 'cancelled'),
            ('scheduled', 'active'), ('scheduled', 'paused'), ('scheduled', 'completed'),
            ('scheduled', 'cancelled'), ('scheduled', 'failed'),
            ('active', 'paused'), ('active', 'completed'), ('active', 'cancelled'), ('active', 'failed'),
            ('paused', 'scheduled'), ('paused', 'active'), ('paused', 'completed'),
            ('paused', 'cancelled'), ('paused', 'failed'),
            ('completed', 'scheduled'), ('completed', 'active')
        )
    ),
    check ((state in ('completed', 'cancelled', 'failed')) = (finished_at is not null)),
    check (state = 'draft' or state = 'cancelled' or (starts_at is not null and dialer is not null))
)
