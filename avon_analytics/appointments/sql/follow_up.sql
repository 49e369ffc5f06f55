-- One row is one slot whose patient cancelled or did not come, and what that patient did next. Such
-- a slot's `index_at` is its cancellation, or the start that was missed. `n_held` counts the other
-- appointments that the patient had open then: booked by then, their start still to come, neither
-- cancelled nor moved. `next_booked_at` is the next booking of another appointment after it,
-- `next_attended_at` the next planned start that the patient attended.
-- What happened to a patient is laid out as one sequence of instants; sums and minima along it
-- answer all three questions without comparing each slot with each other one. Of one instant, what
-- opens, closes, is booked or attended comes before the cancellation or no-show itself.
-- Reads `every_slot`.
WITH slots_in_turn AS (
    SELECT
        *,
        CASE outcome WHEN 'cancelled' THEN cancelled_at WHEN 'no_show' THEN start_at END AS index_at,
        CASE
            WHEN row_number() OVER in_turn = 1 THEN booked_at
            ELSE coalesce(lag(moved_at) OVER in_turn, lag(cancelled_at) OVER in_turn, booked_at)
        END AS opened_at,
        least(start_at, moved_at, cancelled_at) AS closed_at,
        row_number() OVER in_turn AS nth
    FROM every_slot
    WHERE patient_id IS NOT NULL
    WINDOW in_turn AS (PARTITION BY appointment_id, patient_id ORDER BY slot)
),
asked AS (
    SELECT DISTINCT patient_id
    FROM slots_in_turn
    WHERE index_at IS NOT NULL
),
known AS (
    SELECT s.*
    FROM slots_in_turn AS s
    INNER JOIN asked AS a ON s.patient_id = a.patient_id
),
bookings AS (
    SELECT
        patient_id,
        appointment_id,
        booked_at,
        row_number() OVER in_turn AS nth,
        lead(booked_at) OVER in_turn AS following_at
    FROM known
    WHERE nth = 1 AND booked_at IS NOT NULL
    WINDOW in_turn AS (PARTITION BY patient_id ORDER BY booked_at, appointment_id)
),
instants AS (
    SELECT patient_id, appointment_id, opened_at AS happened_at, 1 AS n_opened, 0 AS n_booked,
        NULL AS attended_at, 0 AS is_index, CAST(NULL AS BIGINT) AS slot
    FROM known
    WHERE opened_at < closed_at
    UNION ALL
    SELECT patient_id, appointment_id, closed_at, -1, 0, NULL, 0, NULL
    FROM known
    WHERE opened_at < closed_at
    UNION ALL
    SELECT patient_id, appointment_id, booked_at, 0, 1, NULL, 0, NULL
    FROM bookings
    UNION ALL
    SELECT patient_id, appointment_id, start_at, 0, 0, start_at, 0, NULL
    FROM known
    WHERE outcome = 'attended' AND start_at IS NOT NULL
    UNION ALL
    SELECT patient_id, appointment_id, index_at, 0, 0, NULL, 1, slot
    FROM known
    WHERE index_at IS NOT NULL
),
sequences AS (
    SELECT
        *,
        sum(n_opened) OVER of_patient AS n_open,
        sum(n_opened) OVER of_appointment AS n_own_open,
        sum(n_booked) OVER of_patient AS n_booked_by_then,
        min(attended_at) OVER backwards AS next_attended_at
    FROM instants
    WINDOW
        of_patient AS (
            PARTITION BY patient_id ORDER BY happened_at, is_index
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ),
        of_appointment AS (
            PARTITION BY patient_id, appointment_id ORDER BY happened_at, is_index
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ),
        backwards AS (
            PARTITION BY patient_id ORDER BY happened_at DESC, is_index DESC
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        )
)
SELECT
    s.appointment_id,
    s.slot,
    s.patient_id,
    s.happened_at AS index_at,
    s.n_open - s.n_own_open AS n_held,
    CASE
        WHEN b.appointment_id = s.appointment_id THEN b.following_at
        ELSE b.booked_at
    END AS next_booked_at,
    s.next_attended_at
FROM sequences AS s
LEFT JOIN bookings AS b ON s.patient_id = b.patient_id AND b.nth = s.n_booked_by_then + 1
WHERE s.is_index = 1
