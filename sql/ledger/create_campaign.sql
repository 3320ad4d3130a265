-- The campaigns: their settings, where they stand in their life, and the limits that dispatch reads.
-- Grain: one row per campaign. previous_state and state are one legal step of the life of a campaign.
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
    max_concurrent_calls integer not null,
    max_call_minutes integer not null,
    calls_per_second double,
    max_calls_per_day integer,
    max_calls_per_number_per_day integer,
    first_date date,
    first_date_cap integer,
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
