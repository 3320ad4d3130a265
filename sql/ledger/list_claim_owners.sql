-- The owners of claims and of open questions, and whether they said that they stopped.
-- Grain: one row per owner. Order: owner_id.
select call.owner_id, coalesce(bool_or(owner.ended_at is not null), false) as has_ended
from call
left join owner on owner.owner_id = call.owner_id
where call.finished_at is null and call.state in ('claimed', 'unknown')
group by call.owner_id
order by call.owner_id
