-- The notes of the dial journal whose campaign the ledger does not have: it is too old a copy to go on with.
-- Grain: one row per campaign of the relation note. Order: campaign.
select note.campaign_id, count(*) as notes
from note
where not exists (select 1 from campaign where campaign.campaign_id = note.campaign_id)
group by note.campaign_id
order by note.campaign_id
