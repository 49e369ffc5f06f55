-- One row is one kind of past slots that were open alike: on the same day, due on the same day, with
-- the same outcome, open from `last_days` to `first_days` days before their start. Days are counted
-- in steps of 24 hours from $at_us: day 0 begins there, day -1 a day earlier. A slot is looked at
-- once in each step while it is open; at none, where `last_days` is above `first_days`. While
-- `returning_days` or fewer days are left, it is known that its patient had attended an earlier
-- start. To `kind` is added 0 for a first visit, 2 for unknown, 3 without a patient.
-- Reads `population`, of which `kind` tells what is known of a slot, and `patients`.
-- Parameters: $at_us, $grace_hours, $most_days.
WITH instants AS (
    SELECT
        p.kind + CASE WHEN p.patient_id IS NULL THEN 3 WHEN v.is_new THEN 0 ELSE 2 END AS kind,
        p.outcome,
        floor((unix_micros(p.start_at) - $at_us) / 8.64e10) AS start_day,
        ceil(
            (unix_micros(coalesce(p.end_at, p.start_at)) + $grace_hours * 3.6e9 - $at_us) / 8.64e10
        ) AS due_day,
        ceil((unix_micros(p.planned_at) - $at_us) / 8.64e10) AS planned_day,
        ceil((unix_micros(p.gone_at) - $at_us) / 8.64e10) AS gone_day,
        CASE
            WHEN v.attended_at < p.start_at
                THEN ceil((unix_micros(v.attended_known_at) - $at_us) / 8.64e10)
        END AS returning_day
    FROM population AS p
    LEFT JOIN patients AS v
        ON
            p.patient_id = v.patient_id
            AND unix_micros(p.start_at) > v.since_us
            AND unix_micros(p.start_at) <= v.until_us
    WHERE p.is_due AND p.start_at IS NOT NULL AND p.planned_at IS NOT NULL
),
days AS (
    SELECT
        kind,
        outcome,
        CAST(start_day AS BIGINT) AS start_day,
        CAST(due_day AS BIGINT) AS due_day,
        CAST(least(start_day - planned_day, $most_days) AS BIGINT) AS first_days,
        CAST(greatest(coalesce(start_day - gone_day + 1, 0), 0) AS BIGINT) AS last_days,
        CAST(coalesce(start_day - returning_day, -1) AS BIGINT) AS returning_days
    FROM instants
)
SELECT
    kind,
    outcome,
    start_day,
    due_day,
    first_days,
    last_days,
    greatest(least(returning_days, first_days), last_days - 1) AS returning_days,
    count(*) AS n
FROM days
GROUP BY
    kind,
    outcome,
    start_day,
    due_day,
    first_days,
    last_days,
    greatest(least(returning_days, first_days), last_days - 1)
