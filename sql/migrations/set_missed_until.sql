-- Note up to when slots were passed over at most, where an older callplan did not: as far as they were staged.
-- Grain: one row per version.
update plan_version
set missed_until = staged_until
where missed_from is not null and missed_until is null
