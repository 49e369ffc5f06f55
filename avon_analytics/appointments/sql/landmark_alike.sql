-- One row is one slot that was open at the instant from which its period is looked at: its group
-- (`keys`), and in one number (`alike`) its period, which day of it, what is known of it, the whole days
-- before its start, and how it ended. One number is made of many, since a million rows come of a large
-- store; days are counted since 1970.
-- Reads `opened`, slots that were open, of which `kind` and `ended` tell what is known; and that of a
-- returning patient where it was known then that they had attended an earlier start.
SELECT
    keys,
    (
        (
            CAST(coalesce(unix_date(period_on), 0) AS BIGINT) * 512
            + coalesce(unix_date(start_on) - unix_date(period_on), 0)
        ) * 128
        + kind - CASE WHEN unix_micros(returning_at) <= at_us THEN 1 WHEN is_first THEN 2 ELSE 0 END
    ) * 33554432
    + CAST(floor((unix_micros(start_at) - at_us) / 8.64e10) AS BIGINT) * 8
    + ended + 1 AS alike
FROM opened
