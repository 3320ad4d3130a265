-- Drop the gates, so that they can be made anew.
-- Grain: the macro.
drop macro table due_slots
