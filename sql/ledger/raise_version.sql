-- Note the version that a ledger was brought up to.
-- Grain: one row.
-- $version integer
update ledger_version set version = $version::integer
