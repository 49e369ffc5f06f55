-- One row is one slot that was open at the instant from which its period is looked at (`at_us`): it
-- had neither been cancelled nor moved, attended or missed.
-- Reads `looked`, slots that were planned by then, with the number of their group and period, and that instant.
SELECT *
FROM looked
WHERE
    unix_micros(start_at) >= at_us
    AND coalesce(unix_micros(gone_at) > at_us, true)
