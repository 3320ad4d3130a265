-- Make room for whether a staged slot's contact is in another zone by now; of the slots that are there it is not known.
-- Grain: the table.
alter table slot add column has_new_zone boolean default false
