-- How many contacts of a campaign have been called at least once, on closed days included.
-- Grain: one row.
-- $campaign_id varchar: the campaign
select
    (select count(*) from call where campaign_id = $campaign_id::varchar and attempt = 1)
    + (
        select coalesce(sum(first_attempts), 0)::bigint
        from past_day
        where campaign_id = $campaign_id::varchar
    ) as contacts
