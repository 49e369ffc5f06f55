-- One row is one group and period of attended slots with a known patient, and what those patients did
-- next. Followed are slots whose days had passed by T. Patients are counted once a group and period;
-- without a booking are those who hold none at T.
-- Reads `population` and `every_slot`. Parameters: $as_of, $days.
WITH booked AS (
    SELECT DISTINCT patient_id
    FROM every_slot
    WHERE outcome = 'open' AND start_at > $as_of
),
followed AS (
    SELECT
        v.keys,
        v.appointment_id,
        v.slot,
        v.patient_id,
        unix_micros(v.start_at) + $days * 86400000000 <= unix_micros($as_of) AS is_followed,
        v.is_held,
        coalesce(
            unix_micros(v.next_booked_at) <= unix_micros(v.start_at) + $days * 86400000000, false
        ) AS is_booked,
        coalesce(
            unix_micros(v.next_attended_at) <= unix_micros(v.start_at) + $days * 86400000000, false
        ) AS is_returned,
        (unix_micros(v.next_attended_at) - unix_micros(v.start_at)) / 8.64e10 AS days_to_return,
        b.patient_id IS NULL AS is_without
    FROM population AS v
    LEFT JOIN booked AS b ON v.patient_id = b.patient_id
),
visits AS (
    SELECT
        keys,
        count(*) AS n_attended,
        count(*) FILTER (WHERE is_followed) AS n_followed,
        count(*) FILTER (WHERE is_followed AND is_held) AS n_already_held,
        count(*) FILTER (WHERE is_followed AND (is_held OR is_booked OR is_returned))
            AS n_followed_up,
        count(*) FILTER (WHERE is_followed AND is_returned) AS n_returned,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY days_to_return) FILTER (
            WHERE is_followed AND is_returned
        ) AS median_days_to_return
    FROM followed
    GROUP BY keys
),
patients AS (
    SELECT
        keys,
        count(*) AS n_patients,
        count(*) FILTER (WHERE is_without) AS n_without_booking
    FROM (SELECT DISTINCT keys, patient_id, is_without FROM followed) AS once
    GROUP BY keys
)
SELECT v.*, p.n_patients, p.n_without_booking
FROM visits AS v
INNER JOIN patients AS p ON v.keys IS NOT DISTINCT FROM p.keys
