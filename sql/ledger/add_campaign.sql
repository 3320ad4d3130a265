-- Keep a new campaign as a draft.
-- Grain: one row.
-- $campaign_id varchar: a UUID; $name varchar; $settings varchar: JSON; $dialer varchar or null;
-- $contact_list varchar or null; $timezone varchar; $max_concurrent_calls, $max_call_minutes integer;
-- $calls_per_second double or null; $max_calls_per_day, $max_calls_per_number_per_day integer or null;
-- $max_attempts integer; $retry_minutes varchar: a JSON object from outcome to minutes;
-- $now timestamptz: the instant
insert into campaign (
    campaign_id, name, settings, dialer, contact_list, timezone, state, created_at, changed_at,
    max_concurrent_calls, max_call_minutes, calls_per_second, max_calls_per_day, max_calls_per_number_per_day,
    max_attempts, retry_minutes
)
values (
    $campaign_id::varchar, $name::varchar, $settings::varchar, $dialer::varchar, $contact_list::varchar,
    $timezone::varchar, 'draft', $now::timestamptz, $now::timestamptz, $max_concurrent_calls::integer,
    $max_call_minutes::integer, $calls_per_second::double, $max_calls_per_day::integer,
    $max_calls_per_number_per_day::integer, $max_attempts::integer,
    $retry_minutes::varchar::json::map(varchar, integer)
)
