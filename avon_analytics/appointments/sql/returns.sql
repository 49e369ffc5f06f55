-- One row is one group and period of attended slots with a known patient, and what those patients did
-- next. Followed are slots whose days had passed by T. A patient already held another booking if one
-- was open at the visit's start: planned by then, its own start still to come, neither cancelled nor
-- moved. Bookings after the start of the visit that they are for are records of the past and count as
-- none. Patients are counted once a group and period; without a booking are those who hold none at T.
-- Reads `population` and `every_slot`. Parameters: $as_of, $days.
WITH visits AS (
    SELECT DISTINCT keys, appointment_id, slot, patient_id, start_at
    FROM population
    WHERE outcome = 'attended' AND patient_id IS NOT NULL AND start_at IS NOT NULL
),
patients AS (
    SELECT DISTINCT patient_id FROM visits
),
known AS (
    SELECT
        s.patient_id,
        s.start_at,
        s.outcome,
        s.slot,
        s.planned_at,
        s.booked_at,
        least(s.start_at, s.moved_at, s.cancelled_at) AS closed_at
    FROM every_slot AS s
    INNER JOIN patients AS p ON s.patient_id = p.patient_id
    WHERE s.start_at IS NOT NULL
),
instants AS (
    SELECT patient_id, planned_at AS happened_at, 0 AS is_visit, closed_at,
        CASE WHEN false THEN booked_at END AS booked_at
    FROM known
    WHERE planned_at < closed_at
    UNION ALL
    SELECT patient_id, booked_at, 0, NULL, booked_at
    FROM known
    WHERE slot = 1 AND booked_at < start_at
    UNION ALL
    SELECT DISTINCT patient_id, start_at, 1, NULL, NULL
    FROM known
    WHERE outcome = 'attended'
),
in_turn AS (
    SELECT
        patient_id,
        happened_at,
        is_visit,
        max(closed_at) OVER (
            PARTITION BY patient_id ORDER BY happened_at NULLS LAST, is_visit NULLS LAST
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) > happened_at AS is_held,
        min(booked_at) OVER (
            PARTITION BY patient_id ORDER BY happened_at NULLS LAST, is_visit NULLS LAST
            ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
        ) AS next_booked_at,
        min(CASE WHEN is_visit = 1 THEN happened_at END) OVER (
            PARTITION BY patient_id ORDER BY happened_at NULLS LAST, is_visit NULLS LAST
            ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
        ) AS next_attended_at
    FROM instants
),
booked AS (
    SELECT DISTINCT patient_id
    FROM known
    WHERE outcome = 'open' AND start_at > $as_of
),
followed AS (
    SELECT
        v.keys,
        v.appointment_id,
        v.slot,
        v.patient_id,
        unix_micros(v.start_at) + $days * 86400000000 <= unix_micros($as_of) AS is_followed,
        coalesce(i.is_held, false) AS is_held,
        coalesce(
            unix_micros(i.next_booked_at) <= unix_micros(v.start_at) + $days * 86400000000, false
        ) AS is_booked,
        coalesce(
            unix_micros(i.next_attended_at) <= unix_micros(v.start_at) + $days * 86400000000, false
        ) AS is_returned,
        (unix_micros(i.next_attended_at) - unix_micros(v.start_at)) / 8.64e10 AS days_to_return,
        b.patient_id IS NULL AS is_without
    FROM visits AS v
    INNER JOIN in_turn AS i
        ON v.patient_id = i.patient_id AND v.start_at = i.happened_at AND i.is_visit = 1
    LEFT JOIN booked AS b ON v.patient_id = b.patient_id
)
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
    ) AS median_days_to_return,
    count(DISTINCT patient_id) AS n_patients,
    count(DISTINCT patient_id) FILTER (WHERE is_without) AS n_without_booking
FROM followed
GROUP BY keys
