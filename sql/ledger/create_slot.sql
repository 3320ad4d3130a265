-- The staged slots: planned calls that fall due soon, copied from the plan files in scheduled_at order.
-- Grain: one row per planned call that has not been claimed. snapshot: the file of its list that phone, variables,
-- zone_changed and has_new_zone were read from, null where that is not known. has_new_zone: whether the zone that has
-- changed is another one now; else there is none.
create table slot (
    campaign_id varchar not null,
    plan_version integer not null,
    contact_id varchar not null,
    attempt utinyint not null,
    phone varchar not null,
    from_number varchar not null,
    variables varchar not null,
    timezone varchar not null,
    zone_changed boolean not null,
    scheduled_at timestamptz not null,
    not_after timestamptz not null,
    call_date date not null,
    slot_index bigint not null,
    snapshot varchar,
    has_new_zone boolean default false
)
