-- One row is one group and period of slots, and how many due ones were cancelled, by whom and how
-- late. n_due leaves out slots that were rescheduled. Reads `population`.
WITH due AS (
    SELECT *, outcome = 'cancelled' AS is_cancelled, is_due AND outcome <> 'rescheduled' AS counts
    FROM population
)
SELECT
    keys,
    count(*) FILTER (WHERE counts) AS n_due,
    count(*) FILTER (WHERE counts AND is_cancelled) AS n_cancelled,
    count(*) FILTER (WHERE counts AND is_cancelled AND cancelled_by = 'patient') AS n_by_patient,
    count(*) FILTER (WHERE counts AND is_cancelled AND cancelled_by = 'provider') AS n_by_provider,
    count(*) FILTER (WHERE counts AND is_cancelled AND cancelled_by = 'unknown') AS n_by_unknown,
    count(*) FILTER (WHERE counts AND outcome = 'attended') AS n_attended,
    count(*) FILTER (WHERE counts AND outcome = 'no_show') AS n_no_show,
    count(*) FILTER (
        WHERE counts AND is_cancelled AND notice_hours IS NOT NULL
    ) AS n_with_notice,
    count(*) FILTER (WHERE counts AND is_cancelled AND is_late) AS n_late,
    count(*) FILTER (WHERE counts AND is_cancelled AND notice_hours < 0) AS n_after_start,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY notice_hours)
        FILTER (WHERE counts AND is_cancelled) AS median_notice_hours
FROM due
GROUP BY keys
