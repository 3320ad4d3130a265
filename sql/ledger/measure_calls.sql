-- How long the calls of a campaign have lasted on average, from the dial to the outcome.
-- Grain: one row. seconds is null where there are too few to go by.
-- $campaign_id varchar: the campaign; $fewest integer: how many calls are enough to go by
select case when count(*) >= $fewest::integer then avg(epoch(finished_at - noted_at)) end as seconds
from call
where
    campaign_id = $campaign_id::varchar
    and noted_at is not null
    and state in ('completed', 'no_answer', 'busy', 'voicemail', 'failed')
