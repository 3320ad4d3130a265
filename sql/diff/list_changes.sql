-- The attempts that two plans treat differently.
-- Grain: one row per contact and attempt that differs. Order: change, contact, attempt. Reads beside.
-- $most bigint: how many rows at most
select contact_id, attempt, change, before_at, after_at, before_number, after_number
from beside
where change is not null
order by change, contact_id, attempt
limit $most::bigint
