-- One row is one group and booking period of appointments, and how many local calendar days lay
-- between booking and first planned start. What has no booking date is in a row without a period.
-- Reads `population`.
SELECT
    keys,
    count(*) AS n_appointments,
    count(lead_days) AS n_with_lead,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY CAST(lead_days AS DOUBLE)) AS median_lead_days,
    percentile_cont(0.9) WITHIN GROUP (ORDER BY CAST(lead_days AS DOUBLE)) AS p90_lead_days
FROM population
GROUP BY keys
