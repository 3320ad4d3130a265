-- Note a closed day that has left the ledger.
-- Grain: one row. Reads the relation leaving (the columns of call) for the counts.
-- $campaign_id varchar, $call_date date, $part integer: the day; $calls_file, $events_file varchar: relative to the
-- folder of the past; $now timestamptz: the instant
insert into past_day (
    campaign_id, call_date, part, calls_file, events_file, calls, first_attempts, last_version, last_at,
    last_number, archived_at
)
select
    $campaign_id::varchar,
    $call_date::date,
    $part::integer,
    $calls_file::varchar,
    $events_file::varchar,
    count(*),
    count(*) filter (attempt = 1),
    max(plan_version),
    max_by(scheduled_at, row(plan_version, scheduled_at)),
    max_by(from_number, row(plan_version, scheduled_at)),
    $now::timestamptz
from leaving
