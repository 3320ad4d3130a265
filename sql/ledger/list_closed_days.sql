-- The days whose calls can leave the ledger: closed by the campaign's clock, and no call of them is in flight.
-- Grain: one row per campaign and date before the one in the relation open_day (campaign_id, open_since) that has such
-- calls. A call that is unknown for good stays, because somebody may still say how it ended. Order: campaign, date.
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
inner join open_day on open_day.campaign_id = call.campaign_id
where call.call_date < open_day.open_since
group by call.campaign_id, call.call_date
having count(*) filter (call.finished_at is null) = 0 and count(*) filter (call.state != 'unknown') > 0
order by call.campaign_id, call.call_date
