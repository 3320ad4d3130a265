-- The current plan of every campaign: the slots that count.
-- Grain: one row per campaign, contact and attempt. A slot does not count where a later version plans its attempt
-- anew or gives its contact up, or where the attempt waits for another slot.
-- Reads plan_file (the files of the current versions), added_file (those of them that add), excluded_file, pending.
create view plan as
select plan_file.* exclude (filename)
from plan_file
where
    not exists (
        select 1
        from added_file as later
        where
            later.campaign_id = plan_file.campaign_id
            and later.contact_id = plan_file.contact_id
            and later.attempt = plan_file.attempt
            and later.plan_version > plan_file.plan_version
    )
    and not exists (
        select 1
        from excluded_file
        where
            split_part(excluded_file.filename, '/', -2) = plan_file.campaign_id
            and excluded_file.contact_id = plan_file.contact_id
            and split_part(split_part(excluded_file.filename, '/', -1), '.', 1)::integer > plan_file.plan_version
    )
    and not exists (
        select 1
        from pending
        where
            pending.campaign_id = plan_file.campaign_id
            and pending.contact_id = plan_file.contact_id
            and pending.attempt = plan_file.attempt
            and pending.plan_version is distinct from plan_file.plan_version
    )
