-- Note the version of the ledger's tables on a new ledger.
-- Grain: one row.
-- $version integer
insert into ledger_version (version, journal_sequence) values ($version::integer, 0)
