-- One row is one slot that was open at the instant from which its period is looked at: the group and
-- period that it counts in (`line`), what is known of it, the whole days before its start and how it
-- ended (`alike`), and its local day (since 1970). Few numbers are made of many, since a million rows
-- come of a large store.
-- Reads `opened`, slots that were open, of which `kind` and `ended` tell what is known; and that of a
-- returning patient where it was known then that they had attended an earlier start.
SELECT
    line,
    (
        CAST(
            kind - CASE
                WHEN unix_micros(returning_at) <= at_us THEN 1 WHEN is_first THEN 2 ELSE 0
            END AS BIGINT
        ) * 4194304
        + CAST(floor((unix_micros(start_at) - at_us) / 8.64e10) AS BIGINT)
    ) * 8 + ended + 1 AS alike,
    unix_date(start_on) AS day
FROM opened
