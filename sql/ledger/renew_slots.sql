-- Give staged slots what their list says of their contacts now.
-- Grain: one slot per row of the relation staged (the columns of slot) that is staged still.
update slot
set
    phone = staged.phone,
    variables = staged.variables,
    zone_changed = staged.zone_changed,
    has_new_zone = staged.has_new_zone,
    snapshot = staged.snapshot
from staged
where
    slot.campaign_id = staged.campaign_id
    and slot.plan_version = staged.plan_version
    and slot.contact_id = staged.contact_id
    and slot.attempt = staged.attempt
