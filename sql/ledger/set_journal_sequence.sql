-- Note how far the dial journal has been applied.
-- Grain: one row.
-- $sequence bigint: the last entry that was
update ledger_version set journal_sequence = $sequence::bigint
