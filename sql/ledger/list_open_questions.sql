-- The calls of a contact of which the outcome is not known, closed or not.
-- Grain: one row per unknown call. Order: attempt.
-- $campaign_id, $contact_id varchar
select campaign_id, contact_id, attempt, noted_at
from call
where campaign_id = $campaign_id::varchar and contact_id = $contact_id::varchar and state = 'unknown'
order by attempt
