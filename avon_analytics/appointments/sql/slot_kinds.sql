-- One row is one slot with two numbers that tell what it is like, for who learns of millions of them.
-- `kind` is twelve times the band of its lead (as in lead_band; 6: unknown), plus four times who booked
-- it (0 somebody else, 1 the patient, 2 unknown), plus 3 where it has no patient, else 2. `ended` is
-- how it ended: 0 attended, 1 no_show, 2 cancelled, 3 rescheduled, 4 unresolved, -1 still open; 4 where
-- that is not decided, too.
-- Reads `every_slot`.
SELECT
    s.*,
    CAST(
        CASE
            WHEN s.lead_days < 0 THEN 0
            WHEN s.lead_days < 1 THEN 12
            WHEN s.lead_days < 8 THEN 24
            WHEN s.lead_days < 31 THEN 36
            WHEN s.lead_days < 91 THEN 48
            WHEN s.lead_days IS NOT NULL THEN 60
            ELSE 72
        END
        + CASE s.self_booked WHEN false THEN 0 WHEN true THEN 4 ELSE 8 END
        + CASE WHEN s.patient_id IS NULL THEN 3 ELSE 2 END
        AS TINYINT
    ) AS kind,
    CAST(
        CASE s.outcome
            WHEN 'attended' THEN 0
            WHEN 'no_show' THEN 1
            WHEN 'cancelled' THEN 2
            WHEN 'rescheduled' THEN 3
            WHEN 'open' THEN -1
            ELSE 4
        END AS TINYINT
    ) AS ended
FROM every_slot AS s
