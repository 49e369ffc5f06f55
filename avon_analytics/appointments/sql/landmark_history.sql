-- One row is one kind of past slots that were open alike: on the same day, due on the same day, with
-- the same outcome, open from `last_days` to `first_days` days before their start. Days are counted
-- in steps of 24 hours from $at_us: day 0 begins there, day -1 a day earlier. A slot is looked at
-- once in each step while it is open; at none, where `last_days` is above `first_days`. While
-- `returning_days` or fewer days are left, it is known that its patient had attended an earlier
-- start. To `kind` is added what `visit` says where that is not known.
-- Reads `population`, of which `kind` and `ended` tell what is known of a slot.
-- Parameters: $at_us, $grace_hours, $most_days.
WITH instants AS (
    SELECT
        kind + visit AS kind,
        ended,
        CAST(floor((unix_micros(start_at) - $at_us) / 8.64e10) AS INTEGER) AS start_day,
        CAST(
            ceil((unix_micros(over_at) + $grace_hours * 3.6e9 - $at_us) / 8.64e10) AS INTEGER
        ) AS due_day,
        CAST(ceil((unix_micros(planned_at) - $at_us) / 8.64e10) AS INTEGER) AS planned_day,
        CAST(ceil((unix_micros(gone_at) - $at_us) / 8.64e10) AS INTEGER) AS gone_day,
        CAST(ceil((unix_micros(returning_at) - $at_us) / 8.64e10) AS INTEGER) AS returning_day
    FROM population
    WHERE is_due AND planned_at IS NOT NULL
),
days AS (
    SELECT
        kind,
        ended,
        start_day,
        due_day,
        least(start_day - planned_day, $most_days) AS first_days,
        greatest(coalesce(start_day - gone_day + 1, 0), 0) AS last_days,
        coalesce(start_day - returning_day, -1) AS returning_days
    FROM instants
)
SELECT
    kind,
    ended,
    start_day,
    due_day,
    first_days,
    last_days,
    greatest(least(returning_days, first_days), last_days - 1) AS returning_days,
    count(*) AS n
FROM days
GROUP BY
    kind,
    ended,
    start_day,
    due_day,
    first_days,
    last_days,
    greatest(least(returning_days, first_days), last_days - 1)
