-- One row is one kind of past slots that came to be planned late: of the same group and local day,
-- with the same outcome, planned so late that they were not there yet with so many days or more to
-- go. Days are steps of 24 hours that end at the hour of $at_us on the day of the visit.
-- Reads `population`. Parameters: $at_us, $at_on.
SELECT
    p.keys,
    p.start_on,
    p.ended,
    CAST(
        floor(
            unix_date(p.start_on) - unix_date($at_on)
            - (unix_micros(p.planned_at) - $at_us) / 8.64e10
        ) + 1 AS BIGINT
    ) AS from_days,
    count(*) AS n
FROM population AS p
WHERE p.is_due AND p.planned_at IS NOT NULL AND p.start_on IS NOT NULL
GROUP BY
    p.keys,
    p.start_on,
    p.ended,
    CAST(
        floor(
            unix_date(p.start_on) - unix_date($at_on)
            - (unix_micros(p.planned_at) - $at_us) / 8.64e10
        ) + 1 AS BIGINT
    )
