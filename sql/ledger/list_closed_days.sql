-- The days whose calls can leave the ledger: over by the campaign's clock, and no call of them is in flight.
-- Grain: one row per campaign and date of the relation today (campaign_id, today) that has such calls. A call that is
-- unknown for good stays, because somebody may still say how it ended. Order: campaign, date.
select
    call.campaign_id,
    call.call_date,
    1 + coalesce(
        (
            select max(past_day.part)
            from past_day
            where past_day.campaign_id = call.campaign_id and past_day.call_date = call.call_date
        ),
        0
    ) as part
from call
inner join today on today.campaign_id = call.campaign_id
where call.call_date < today.today
group by call.campaign_id, call.call_date
having count(*) filter (call.finished_at is null) = 0 and count(*) filter (call.state != 'unknown') > 0
order by call.campaign_id, call.call_date
