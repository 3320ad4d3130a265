-- Note that those without a slot have been looked after, and what kept some of them from getting one.
-- Grain: one row.
-- $campaign_id varchar: the campaign; $hindrance varchar or null: in words; $now timestamptz: the instant
update campaign
set replanned_at = $now::timestamptz, hindrance = $hindrance::varchar
where campaign_id = $campaign_id::varchar
