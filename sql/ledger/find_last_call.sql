-- The outbound number of the call that was planned last, those of closed days included.
-- Grain: one row, none if no call has been claimed.
-- $campaign_id varchar: the campaign
with planned as (
    select plan_version, scheduled_at, from_number
    from call
    where campaign_id = $campaign_id::varchar
    union all
    select last_version, last_at, last_number
    from past_day
    where campaign_id = $campaign_id::varchar
)

select from_number
from planned
order by plan_version desc, scheduled_at desc
limit 1
