-- Hold a campaign's claims while its plan is being changed. A hold that would last twice as long as this one was begun
-- by a clock that was ahead, and holds nothing.
-- Grain: one row, none if somebody else is changing it.
-- $campaign_id varchar: the campaign; $change_id varchar: names the change; $now timestamptz: the instant;
-- $changing_until timestamptz: when the hold lapses by itself
update campaign
set change_id = $change_id::varchar, changing_until = $changing_until::timestamptz
where
    campaign_id = $campaign_id::varchar
    and (
        changing_until is null
        or changing_until <= $now::timestamptz
        or changing_until > $changing_until::timestamptz + ($changing_until::timestamptz - $now::timestamptz)
        or change_id = $change_id::varchar
    )
