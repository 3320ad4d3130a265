-- The closed days of a campaign that have left the ledger.
-- Grain: one row per date and part. Order: date, part.
-- $campaign_id varchar or null: the campaign, null for all; $from_date date or null: only those on or after it
select campaign_id, call_date, calls_file, events_file
from past_day
where
    ($campaign_id::varchar is null or campaign_id = $campaign_id::varchar)
    and ($from_date::date is null or call_date >= $from_date::date)
order by call_date, part
