-- Note on a campaign what a publication has made of it; a draft is then scheduled. Where the state stays, so does
-- why, and since when where it is final.
-- Grain: one row, none if the campaign is no longer in the state it was seen in.
-- $campaign_id varchar; $seen, $state varchar: the state it was in and the next; $starts_at timestamptz; $dialer
-- varchar; $contact_count, $excluded_count, $listed_count bigint; $first_date date: the campaign-local date of
-- the start; $first_date_cap integer or null: its cap; $hindrance varchar or null: what kept some without a slot;
-- $now timestamptz: the instant
update campaign
set
    previous_state = case when state = $state::varchar then previous_state else state end,
    changed_at = case when state = $state::varchar then changed_at else $now::timestamptz end,
    state = $state::varchar,
    reason = case when state = $state::varchar then reason end,
    finished_at = case when state = $state::varchar then finished_at end,
    starts_at = $starts_at::timestamptz,
    dialer = $dialer::varchar,
    contact_count = $contact_count::bigint,
    excluded_count = $excluded_count::bigint,
    listed_count = $listed_count::bigint,
    first_date = $first_date::date,
    first_date_cap = $first_date_cap::integer,
    replanned_at = $now::timestamptz,
    hindrance = $hindrance::varchar
where campaign_id = $campaign_id::varchar and state = $seen::varchar
