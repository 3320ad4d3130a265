-- Pause a campaign once more that is paused: what was ordered before does not let it go on. Of two pauses at once the
-- later counts, whichever is stored first.
-- Grain: one row, none if the campaign is no longer paused.
-- $campaign_id varchar: the campaign; $now timestamptz: the instant
update campaign
set changed_at = greatest(changed_at, $now::timestamptz)
where campaign_id = $campaign_id::varchar and state = 'paused'
