-- The calls of a closed day that have an outcome.
-- Grain: one row per call. Order: scheduled_at.
-- $campaign_id varchar, $call_date date: the day
select *
from call
where
    campaign_id = $campaign_id::varchar
    and call_date = $call_date::date
    and finished_at is not null
    and state != 'unknown'
order by scheduled_at
