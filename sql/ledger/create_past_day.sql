-- The closed days that have left the ledger: what was exported of each, and the counts that stay.
-- Grain: one row per campaign, campaign-local date and part; a date has a further part where calls of it were
-- settled late. last_version, last_at and last_number tell of its call that was planned last.
create table past_day (
    campaign_id varchar not null,
    call_date date not null,
    part integer not null check (part > 0),
    calls_file varchar not null,
    events_file varchar not null,
    calls bigint not null check (calls > 0),
    first_attempts bigint not null,
    last_version integer not null,
    last_at timestamptz not null,
    last_number varchar not null,
    archived_at timestamptz not null
)
