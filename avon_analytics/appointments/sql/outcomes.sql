-- One row is one group and period of slots, and how they ended. Outcomes are counted of due slots
-- alone: n_slots is n_not_due and all the outcomes. Reads `population`.
SELECT
    keys,
    count(*) AS n_slots,
    count(*) FILTER (WHERE NOT is_due) AS n_not_due,
    count(*) FILTER (WHERE is_due AND outcome = 'attended') AS n_attended,
    count(*) FILTER (WHERE is_due AND outcome = 'no_show') AS n_no_show,
    count(*) FILTER (WHERE is_due AND outcome = 'cancelled') AS n_cancelled,
    count(*) FILTER (
        WHERE is_due AND outcome = 'cancelled' AND cancelled_by = 'patient'
    ) AS n_cancelled_by_patient,
    count(*) FILTER (
        WHERE is_due AND outcome = 'cancelled' AND cancelled_by = 'provider'
    ) AS n_cancelled_by_provider,
    count(*) FILTER (
        WHERE is_due AND outcome = 'cancelled' AND cancelled_by = 'unknown'
    ) AS n_cancelled_by_unknown,
    count(*) FILTER (WHERE is_due AND outcome = 'rescheduled') AS n_rescheduled,
    count(*) FILTER (WHERE is_due AND outcome = 'unresolved') AS n_unresolved
FROM population
GROUP BY keys
