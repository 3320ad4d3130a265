-- The calls: every attempt that has been claimed, and how far it got.
-- Grain: one row per campaign contact and attempt; the claim guards that there is never a second.
-- previous_state and state are one legal step of the life of a call. noted_at is when the dial was noted,
-- before the request left; deadline_at is when an unanswered question about the call is closed. provider_status is
-- the provider's own word for how the call stands, where it is none that callplan knows. dials counts its notes: more than
-- one where the dial was repeated under its key.
create table call (
    campaign_id varchar not null,
    contact_id varchar not null,
    attempt utinyint not null,
    plan_version integer not null,
    phone varchar not null,
    from_number varchar not null,
    variables varchar not null,
    timezone varchar not null,
    scheduled_at timestamptz not null,
    not_after timestamptz not null,
    call_date date not null,
    slot_index bigint not null,
    state varchar not null,
    previous_state varchar not null,
    owner_id varchar not null,
    lease_id varchar not null,
    claimed_at timestamptz not null,
    noted_at timestamptz,
    answered_at timestamptz,
    finished_at timestamptz,
    deadline_at timestamptz not null,
    changed_at timestamptz not null,
    provider_call_id varchar,
    provider_status varchar,
    reason varchar,
    dials utinyint default 0,
    check (
        (previous_state, state) in (
            ('scheduled', 'claimed'),
            ('claimed', 'in_progress'), ('claimed', 'unknown'),
            ('claimed', 'completed'), ('claimed', 'no_answer'), ('claimed', 'busy'),
            ('claimed', 'voicemail'), ('claimed', 'failed'),
            ('in_progress', 'completed'), ('in_progress', 'no_answer'), ('in_progress', 'busy'),
            ('in_progress', 'voicemail'), ('in_progress', 'failed'), ('in_progress', 'unknown'),
            ('unknown', 'in_progress'), ('unknown', 'completed'), ('unknown', 'no_answer'),
            ('unknown', 'busy'), ('unknown', 'voicemail'), ('unknown', 'failed')
        )
    ),
    check (
        case
            when state in ('claimed', 'in_progress') then finished_at is null
            when state = 'unknown' then true
            else finished_at is not null
        end
    ),
    check (state in ('claimed', 'unknown') or noted_at is not null),
    check (state != 'in_progress' or (noted_at is not null and provider_call_id is not null)),
    check (scheduled_at < not_after),
    check (noted_at is null or (noted_at >= scheduled_at and noted_at < not_after))
)
