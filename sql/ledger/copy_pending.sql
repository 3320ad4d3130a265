-- The table pending as it is now, for questions in memory.
-- Grain: that of the table. Order: none.
select * from pending
