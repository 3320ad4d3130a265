-- Take the slots off the stage of campaigns that have ended: nobody is called from them any more.
-- Grain: one slot per row.
delete from slot
using campaign
where campaign.campaign_id = slot.campaign_id and campaign.state in ('completed', 'cancelled', 'failed')
