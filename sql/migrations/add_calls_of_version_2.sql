-- Take over the calls of a ledger of version 2, which had no dial journal: a claim there may have been dialled, so it
-- counts as noted.
-- Grain: one row per call.
insert into call by name
select
    call_of_version_2.* exclude (noted_at),
    coalesce(noted_at, greatest(claimed_at, scheduled_at)) as noted_at
from call_of_version_2
