-- Make a published plan file a version of its campaign.
-- Grain: one row; none if another version came since the one it was computed from.
-- $campaign_id varchar; $plan_version, $based_on integer; $kind varchar: replaces or adds; $file varchar:
-- relative to the plans folder; $sha256, $contacts_hash varchar; $row_count bigint; $first_at, $last_at
-- timestamptz, null without rows; $published_at timestamptz; $excluded_count bigint: contacts it leaves out
insert into plan_version (
    campaign_id, plan_version, kind, based_on, file, sha256, contacts_hash, row_count, first_at, last_at,
    published_at, staged_until, excluded_count
)
select
    $campaign_id::varchar,
    $plan_version::integer,
    $kind::varchar,
    $based_on::integer,
    $file::varchar,
    $sha256::varchar,
    $contacts_hash::varchar,
    $row_count::bigint,
    $first_at::timestamptz,
    $last_at::timestamptz,
    $published_at::timestamptz,
    coalesce($first_at::timestamptz, $published_at::timestamptz),
    $excluded_count::bigint
where
    $based_on::integer = (
        select coalesce(max(plan_version), 0) from plan_version where campaign_id = $campaign_id::varchar
    )
