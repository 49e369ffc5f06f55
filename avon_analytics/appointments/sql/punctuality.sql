-- One row is one group and period of slots: the due ones that were attended, and how far their
-- actual start and end lay behind the planned ones. Only those with both actual times are measured.
-- Reads `population`.
WITH visits AS (
    SELECT
        *,
        is_due AND outcome = 'attended' AS counts,
        actual_start_at IS NOT NULL AND actual_end_at IS NOT NULL AS is_timed,
        (unix_micros(actual_start_at) - unix_micros(start_at)) / 6e7 AS start_delay_minutes,
        (unix_micros(actual_end_at) - unix_micros(end_at)) / 6e7 AS overrun_minutes
    FROM population
)
SELECT
    keys,
    count(*) FILTER (WHERE counts) AS n_attended,
    count(*) FILTER (WHERE counts AND is_timed) AS n_with_actual_times,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY start_delay_minutes)
        FILTER (WHERE counts AND is_timed) AS median_start_delay_minutes,
    percentile_cont(0.9) WITHIN GROUP (ORDER BY start_delay_minutes)
        FILTER (WHERE counts AND is_timed) AS p90_start_delay_minutes,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY overrun_minutes)
        FILTER (WHERE counts AND is_timed) AS median_overrun_minutes,
    count(*) FILTER (WHERE counts AND is_timed AND overrun_minutes IS NOT NULL) AS n_with_overrun
FROM visits
GROUP BY keys
