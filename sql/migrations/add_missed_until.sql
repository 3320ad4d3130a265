-- Note of a ledger's versions up to when their slots were passed over: not known of what was.
-- Grain: one column.
alter table plan_version add column missed_until timestamptz
