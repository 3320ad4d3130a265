-- Which version of the ledger's tables this file has, and the last line of the dial journal applied to it.
-- Grain: one row.
create table ledger_version (
    version integer not null,
    journal_sequence bigint not null
)
