-- The version of the ledger's tables.
-- Grain: one row.
select version, journal_sequence from ledger_version
