-- Turn a draft into a scheduled campaign with its start, its dialer and its count of contacts.
-- Grain: one row, none if the campaign is no longer a draft.
-- $campaign_id varchar; $starts_at timestamptz; $dialer varchar; $contact_count, $excluded_count bigint;
-- $first_date date: the campaign-local date of the start; $first_date_cap integer or null: its cap;
-- $now timestamptz: the instant
update campaign
set
    previous_state = state,
    state = 'scheduled',
    reason = null,
    starts_at = $starts_at::timestamptz,
    dialer = $dialer::varchar,
    contact_count = $contact_count::bigint,
    excluded_count = $excluded_count::bigint,
    first_date = $first_date::date,
    first_date_cap = $first_date_cap::integer,
    changed_at = $now::timestamptz
where campaign_id = $campaign_id::varchar and state = 'draft'
