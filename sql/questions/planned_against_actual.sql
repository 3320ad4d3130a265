-- How many calls were planned and made on each date, and how late did they start?
-- Grain: one row per campaign and campaign-local date.
select
    campaign,
    call_date,
    count(*) as planned,
    count(called_at) as made,
    count(*) filter (state = 'completed') as completed,
    round(quantile_cont(late_seconds, 0.5), 1) as median_late_seconds,
    round(max(late_seconds), 1) as most_late_seconds
from planned_and_actual
group by campaign, call_date
order by campaign, call_date
