-- Make room for the snapshot that a staged slot was read from; of the slots that are there it is not known.
-- Grain: the table.
alter table slot add column snapshot varchar
