-- One row is one group of slots: those that were cancelled or missed, and whose patients came back.
-- Followed are those with a known patient and all the days before T. Rebooking is asked of patients
-- who then held no other booking. A group without any has its row, too. Reads `population` and
-- `follow_up`. Parameters: $as_of, $days.
WITH indexed AS (
    SELECT
        p.keys,
        p.appointment_id,
        p.slot,
        p.patient_id,
        true AS is_index,
        coalesce(
            unix_micros(f.index_at) + $days * 86400000000 <= unix_micros($as_of), false
        ) AS is_followed,
        f.n_held > 0 AS is_held,
        (unix_micros(f.next_booked_at) - unix_micros(f.index_at)) / 8.64e10 AS days_to_rebook,
        (unix_micros(f.next_attended_at) - unix_micros(f.index_at)) / 8.64e10 AS days_to_return
    FROM population AS p
    LEFT JOIN follow_up AS f
        ON p.appointment_id = f.appointment_id AND p.slot = f.slot AND p.patient_id = f.patient_id
    WHERE p.outcome IN ('cancelled', 'no_show')
    UNION ALL
    SELECT DISTINCT keys, NULL, NULL, NULL, false, false, NULL, NULL, NULL
    FROM population
)
SELECT
    keys,
    count(*) FILTER (WHERE is_index) AS n_index,
    count(*) FILTER (WHERE is_followed) AS n_followed,
    count(*) FILTER (WHERE is_followed AND is_held) AS n_already_held,
    count(*) FILTER (WHERE is_followed AND NOT is_held) AS n_not_held,
    count(*) FILTER (
        WHERE is_followed AND NOT is_held AND days_to_rebook <= $days
    ) AS n_rebooked,
    count(*) FILTER (WHERE is_followed AND days_to_return <= $days) AS n_returned,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY days_to_rebook) FILTER (
        WHERE is_followed AND NOT is_held AND days_to_rebook <= $days
    ) AS median_days_to_rebook
FROM indexed
GROUP BY keys
