-- One row is one kind of past slots that were open alike: with the same outcome, open from `last_days`
-- to `first_days` days before their start, and counted on the same days, from `due_day` on and until
-- `old_day`. Days are counted in steps of 24 hours from $at_us: day 0 begins there, day -1 a day
-- earlier. A slot is looked at once in each step while it is open; at none, where `last_days` is above
-- `first_days`. While `returning_days` or fewer days are left, it is known that its patient had attended
-- an earlier start; that may be more than `first_days`, or less than `last_days`. `kind` is that of those
-- days on which it is not known.
-- Reads `population`, of which what is due by $at_us is told. Most slots were open until their start,
-- and of most it is known at once who comes back: for these, no day is worked out.
-- Parameters: $at_us, $grace_hours, $most_days, $history_days; and as SQL, since of few days that are
-- looked at millions of slots make few rows, $due_when_looked and $old_when_looked: the first such day
-- on or after `due_day` and `old_day`.
WITH instants AS (
    SELECT
        kind - CASE WHEN is_first THEN 2 ELSE 0 END AS kind,
        ended,
        start_at,
        planned_at,
        gone_at,
        returning_at,
        CAST(floor((unix_micros(start_at) - $at_us) / 8.64e10) AS INTEGER) AS start_day,
        CAST(
            ceil((unix_micros(over_at) + $grace_hours * 3.6e9 - $at_us) / 8.64e10) AS INTEGER
        ) AS due_day,
        CAST(ceil((unix_micros(planned_at) - $at_us) / 8.64e10) AS INTEGER) AS planned_day
    FROM population
    WHERE
        planned_at IS NOT NULL
        AND unix_micros(over_at) + $grace_hours * 3.6e9 <= $at_us
),
days AS (
    SELECT
        kind,
        ended,
        due_day,
        start_day + $history_days + 1 AS old_day,
        least(start_day - planned_day, $most_days) AS first_days,
        CASE
            WHEN gone_at <= start_at THEN greatest(
                start_day - CAST(ceil((unix_micros(gone_at) - $at_us) / 8.64e10) AS INTEGER) + 1, 0
            )
            ELSE 0
        END AS last_days,
        CASE
            WHEN returning_at <= planned_at THEN $most_days
            WHEN returning_at <= start_at THEN least(
                start_day - CAST(ceil((unix_micros(returning_at) - $at_us) / 8.64e10) AS INTEGER),
                $most_days
            )
            ELSE -1
        END AS returning_days
    FROM instants
),
looked AS (
    SELECT
        kind,
        ended,
        $due_when_looked AS due_day,
        $old_when_looked AS old_day,
        first_days,
        last_days,
        returning_days
    FROM days
)
SELECT
    kind,
    ended,
    due_day,
    old_day,
    first_days,
    last_days,
    returning_days,
    count(*) AS n
FROM looked
GROUP BY
    kind,
    ended,
    due_day,
    old_day,
    first_days,
    last_days,
    returning_days
