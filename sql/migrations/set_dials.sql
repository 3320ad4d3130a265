-- Count the dials of a ledger of version 3 as one each: a repeated one was not counted.
-- Grain: one row per call that was noted.
update call set dials = 1 where noted_at is not null
