-- The events: every change of state of a campaign or a call, as it happened.
-- Grain: one row per change; contact_id and attempt are null where a campaign changed.
create table event (
    campaign_id varchar not null,
    contact_id varchar,
    attempt utinyint,
    happened_at timestamptz not null,
    from_state varchar,
    to_state varchar not null,
    owner_id varchar,
    reason varchar
)
