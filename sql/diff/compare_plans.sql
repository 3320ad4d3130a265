-- How two plans differ.
-- Grain: one row. Reads beside.
select
    count(*) filter (change = 'moved') as moved,
    count(*) filter (change = 'renumbered') as renumbered,
    count(*) filter (change = 'added') as added,
    count(*) filter (change = 'dropped') as dropped,
    count(*) filter (change is null) as unchanged,
    max(before_at) as finish_before,
    max(after_at) as finish_after
from beside
