-- One row is one slot whose patient cancelled or did not come, and what that patient did next. Such
-- a slot's `index_at` is its cancellation, or the start that was missed. `n_held` counts the other
-- appointments that the patient had open then: booked by then, their start still to come, neither
-- cancelled nor moved. `next_booked_at` is the next booking of another appointment after it,
-- `next_attended_at` the next planned start that the patient attended.
-- What happened to a patient is laid out as one sequence of instants: sums along it answer all three
-- questions without comparing each slot with each other one. Of one instant, what opens, closes, is
-- booked or attended comes before the cancellation or no-show itself. Reads `every_slot`.
WITH asked AS (
    SELECT patient_id, row_number() OVER (ORDER BY patient_id NULLS LAST) AS patient
    FROM every_slot
    WHERE outcome IN ('cancelled', 'no_show') AND patient_id IS NOT NULL
    GROUP BY patient_id
),
moved AS (
    SELECT DISTINCT appointment_id
    FROM every_slot
    WHERE slot > 1
),
places AS (
    SELECT
        s.appointment_id,
        s.patient_id,
        s.slot,
        row_number() OVER in_turn = 1 AS is_first,
        coalesce(lag(s.moved_at) OVER in_turn, lag(s.cancelled_at) OVER in_turn) AS freed_at
    FROM every_slot AS s
    INNER JOIN moved AS m ON s.appointment_id = m.appointment_id
    WHERE s.patient_id IS NOT NULL
    WINDOW in_turn AS (PARTITION BY s.appointment_id, s.patient_id ORDER BY s.slot NULLS LAST)
),
known AS (
    SELECT
        a.patient,
        s.patient_id,
        s.appointment_id,
        s.slot,
        p.slot IS NOT NULL AS is_moved,
        CASE WHEN coalesce(p.is_first, true) THEN s.booked_at END AS booked_at,
        CASE WHEN s.outcome = 'attended' THEN s.start_at END AS attended_at,
        CASE s.outcome
            WHEN 'cancelled' THEN s.cancelled_at
            WHEN 'no_show' THEN s.start_at
        END AS index_at,
        coalesce(p.freed_at, s.booked_at) AS opened_at,
        least(s.start_at, s.moved_at, s.cancelled_at) AS closed_at
    FROM every_slot AS s
    INNER JOIN asked AS a ON s.patient_id = a.patient_id
    LEFT JOIN places AS p
        ON s.appointment_id = p.appointment_id
        AND s.patient_id = p.patient_id
        AND s.slot = p.slot
),
instants AS (
    SELECT
        patient,
        opened_at AS happened_at,
        CASE WHEN opened_at < closed_at THEN 1 ELSE 0 END AS n_opened,
        CASE WHEN booked_at IS NOT NULL THEN 1 ELSE 0 END AS n_booked,
        0 AS n_attended,
        0 AS is_index,
        CAST(NULL AS STRING) AS appointment_id,
        CAST(NULL AS BIGINT) AS slot
    FROM known
    WHERE opened_at IS NOT NULL
    UNION ALL
    SELECT patient, closed_at, CASE WHEN opened_at < closed_at THEN -1 ELSE 0 END, 0,
        CASE WHEN attended_at = closed_at THEN 1 ELSE 0 END, 0, NULL, NULL
    FROM known
    WHERE opened_at < closed_at OR attended_at = closed_at
    UNION ALL
    SELECT patient, attended_at, 0, 0, 1, 0, NULL, NULL
    FROM known
    WHERE attended_at <> closed_at
    UNION ALL
    SELECT patient, index_at, 0, 0, 0, 1, appointment_id, slot
    FROM known
    WHERE index_at IS NOT NULL
),
sums_so_far AS (
    SELECT
        patient,
        appointment_id,
        slot,
        is_index,
        happened_at AS index_at,
        sum(n_opened) OVER so_far AS n_open,
        sum(n_booked) OVER so_far AS n_booked,
        sum(n_attended) OVER so_far AS n_attended
    FROM instants
    WINDOW so_far AS (
        PARTITION BY patient ORDER BY happened_at NULLS LAST, is_index NULLS LAST
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    )
),
own AS (
    SELECT k.patient, k.appointment_id, k.slot, count(*) AS n_open
    FROM known AS k
    INNER JOIN known AS o
        ON k.patient = o.patient AND k.appointment_id = o.appointment_id AND k.slot <> o.slot
    WHERE k.is_moved AND o.is_moved AND o.opened_at <= k.index_at AND k.index_at < o.closed_at
    GROUP BY k.patient, k.appointment_id, k.slot
),
bookings AS (
    SELECT
        patient,
        appointment_id,
        booked_at,
        row_number() OVER in_turn AS nth,
        lead(booked_at) OVER in_turn AS following_at
    FROM known
    WHERE booked_at IS NOT NULL
    WINDOW in_turn AS (PARTITION BY patient ORDER BY booked_at NULLS LAST, appointment_id NULLS LAST)
),
visits AS (
    SELECT
        patient,
        attended_at,
        row_number() OVER (PARTITION BY patient ORDER BY attended_at NULLS LAST) AS nth
    FROM known
    WHERE attended_at IS NOT NULL
)
SELECT
    s.appointment_id,
    s.slot,
    a.patient_id,
    s.index_at,
    s.n_open - coalesce(o.n_open, 0) AS n_held,
    CASE
        WHEN b.appointment_id = s.appointment_id THEN b.following_at
        ELSE b.booked_at
    END AS next_booked_at,
    v.attended_at AS next_attended_at
FROM sums_so_far AS s
INNER JOIN asked AS a ON s.patient = a.patient
LEFT JOIN own AS o
    ON s.patient = o.patient AND s.appointment_id = o.appointment_id AND s.slot = o.slot
LEFT JOIN bookings AS b ON s.patient = b.patient AND b.nth = s.n_booked + 1
LEFT JOIN visits AS v ON s.patient = v.patient AND v.nth = s.n_attended + 1
WHERE s.is_index = 1
