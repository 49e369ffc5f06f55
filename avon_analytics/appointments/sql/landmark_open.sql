-- One row is one slot that was open at the instant from which its period is looked at (`at_us`): it
-- was planned by then and neither cancelled nor moved, attended or missed.
-- Reads `looked`, slots with the number of their group and with that instant.
SELECT *
FROM looked
WHERE
    unix_micros(start_at) >= at_us
    AND (unix_micros(planned_at) <= at_us OR outcome = 'open')
    AND coalesce(unix_micros(gone_at) > at_us, true)
