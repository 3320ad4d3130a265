-- The campaigns in which somebody waits for a slot that can be looked for now.
-- Grain: one row per campaign. Order: campaign.
-- $now timestamptz: the instant; $late_limit interval: how long after its time a slot may still be called;
-- $look_again, $look_again_hindered interval: how long to wait since the last look, as a rule and where some did
-- not fit
select campaign.campaign_id
from campaign
where
    campaign.state in ('scheduled', 'active')
    and (
        campaign.replanned_at is null
        or campaign.replanned_at > $now::timestamptz -- by a clock that was wrong
        or campaign.replanned_at
        + case when campaign.hindrance is null then $look_again::interval else $look_again_hindered::interval end
        <= $now::timestamptz
    )
    and (
        exists (
            select 1
            from waiting_attempts($now::timestamptz, $late_limit::interval) as waiting
            where waiting.campaign_id = campaign.campaign_id and waiting.ripe_at <= $now::timestamptz
        )
        or exists (
            select 1
            from missed_slots($now::timestamptz, $late_limit::interval) as missed
            where missed.campaign_id = campaign.campaign_id
        )
        or exists (
            select 1
            from current_version
            where
                current_version.campaign_id = campaign.campaign_id
                and current_version.missed_from is not null
        )
    )
order by campaign.campaign_id
