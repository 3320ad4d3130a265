-- Note that the slots of a campaign before an instant are looked after, so that none of them is staged.
-- Grain: one row per version of which slots before then were not staged.
-- $campaign_id varchar: the campaign; $staged_until timestamptz: the instant
update plan_version
set staged_until = $staged_until::timestamptz
where campaign_id = $campaign_id::varchar and staged_until < $staged_until::timestamptz
