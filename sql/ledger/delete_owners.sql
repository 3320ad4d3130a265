-- Forget dispatchers.
-- Grain: one row per owner in the relation gone_owner (owner_id).
delete from owner where owner_id in (select gone_owner.owner_id from gone_owner)
