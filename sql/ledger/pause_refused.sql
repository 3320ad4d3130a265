-- Pause the campaigns whose requests the provider refuses.
-- Grain: one row per live campaign of the relation refusal (campaign_id, reason).
-- $now timestamptz: the instant
update campaign
set previous_state = campaign.state, state = 'paused', reason = refusal.reason, changed_at = $now::timestamptz
from refusal
where campaign.campaign_id = refusal.campaign_id and campaign.state in ('scheduled', 'active')
