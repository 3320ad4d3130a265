-- Keep the provider's own word for how a call stands, which is none that means an outcome.
-- Grain: one row per call of the relation report (campaign_id, contact_id, attempt, provider_status).
update call
set provider_status = report.provider_status
from report
where
    call.finished_at is null
    and call.campaign_id = report.campaign_id
    and call.contact_id = report.contact_id
    and call.attempt = report.attempt
