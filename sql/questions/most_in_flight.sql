-- How many calls were in flight at once, at most?
-- Grain: one row per campaign.
with change as (
    select campaign_id, claimed_at as at_instant, 1 as calls from call
    union all
    select campaign_id, finished_at as at_instant, -1 as calls from call where finished_at is not null
),

running as (
    select campaign_id, sum(calls) over (partition by campaign_id order by at_instant, calls) as in_flight
    from change
)

select campaign.name as campaign, max(running.in_flight) as most_in_flight, campaign.max_concurrent_calls
from running
inner join campaign on campaign.campaign_id = running.campaign_id
group by campaign.name, campaign.max_concurrent_calls
