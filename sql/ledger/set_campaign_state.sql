-- Take a campaign one step on in its life.
-- Grain: one row, none if the campaign is no longer in the state it was seen in.
-- $campaign_id varchar: the campaign; $seen varchar: the state it was seen in; $state varchar: the next;
-- $reason varchar or null: why; $finished_at timestamptz or null: set where the next state is final;
-- $now timestamptz: the instant
update campaign
set
    previous_state = state,
    state = $state::varchar,
    reason = $reason::varchar,
    finished_at = $finished_at::timestamptz,
    settings_told = case -- a failure was not told
        when $state::varchar != 'failed' then settings_told
        when not settings_told then false
    end,
    changed_at = $now::timestamptz
where campaign_id = $campaign_id::varchar and state = $seen::varchar
