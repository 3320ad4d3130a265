-- Have no dial be repeated of those whose answer is not known: nobody can tell any more how old they are.
-- Grain: one row per such call.
-- $most_dials integer: how often a call is dialled at most
update call
set dials = $most_dials::integer
where
    finished_at is null
    and noted_at is not null
    and provider_call_id is null
    and dials < $most_dials::integer
