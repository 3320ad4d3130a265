-- Give a campaign other settings.
-- Grain: one row.
-- $campaign_id varchar: the campaign; $name varchar; $settings varchar: JSON; $dialer, $contact_list varchar or
-- null; $timezone varchar; $max_concurrent_calls, $max_call_minutes integer; $calls_per_second double or null;
-- $max_calls_per_day, $max_calls_per_number_per_day integer or null; $max_attempts integer;
-- $retry_minutes varchar: a JSON object from outcome to minutes
update campaign
set
    name = $name::varchar,
    settings_told = false,
    settings = $settings::varchar,
    dialer = coalesce($dialer::varchar, dialer),
    contact_list = $contact_list::varchar,
    timezone = $timezone::varchar,
    max_concurrent_calls = $max_concurrent_calls::integer,
    max_call_minutes = $max_call_minutes::integer,
    calls_per_second = $calls_per_second::double,
    max_calls_per_day = $max_calls_per_day::integer,
    max_calls_per_number_per_day = $max_calls_per_number_per_day::integer,
    max_attempts = $max_attempts::integer,
    retry_minutes = $retry_minutes::varchar::json::map(varchar, integer)
where campaign_id = $campaign_id::varchar
