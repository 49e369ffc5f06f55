-- One row is one attended slot with a known patient, and what that patient did next. A patient already
-- held another booking if one was open at the start: planned by then, its own start still to come,
-- neither cancelled nor moved. Bookings after the start of the visit that they are for are records of
-- the past and count as none. Where a visit's own other starts come between, as when it was moved back
-- to the time at which it was held, its patient's other appointments are looked at one by one.
-- Reads `every_slot`.
WITH known AS (
    SELECT
        appointment_id,
        patient_id,
        start_at,
        outcome,
        slot,
        planned_at,
        booked_at,
        least(start_at, moved_at, cancelled_at) AS closed_at
    FROM every_slot
    WHERE patient_id IS NOT NULL AND start_at IS NOT NULL
),
instants AS (
    SELECT patient_id, planned_at AS happened_at, 0 AS is_visit, closed_at,
        CASE WHEN false THEN booked_at END AS booked_at
    FROM known
    WHERE planned_at < closed_at
    UNION ALL
    SELECT patient_id, booked_at, 0, NULL, booked_at
    FROM known
    WHERE booked_at < start_at
    UNION ALL
    SELECT DISTINCT patient_id, start_at, 1, NULL, NULL
    FROM known
    WHERE outcome = 'attended'
),
in_turn AS (
    SELECT
        patient_id,
        happened_at AS start_at,
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
several AS (
    SELECT appointment_id, slot, patient_id, start_at, outcome, planned_at, booked_at, closed_at
    FROM known
    WHERE appointment_id IN (SELECT appointment_id FROM every_slot WHERE slot > 1)
),
moved AS (
    SELECT DISTINCT v.appointment_id, v.slot, v.patient_id, v.start_at
    FROM several AS v
    INNER JOIN several AS o
        ON v.patient_id = o.patient_id
        AND v.appointment_id = o.appointment_id
        AND v.slot <> o.slot
        AND (
            (o.planned_at <= v.start_at AND v.start_at < o.closed_at)
            OR (v.start_at < o.booked_at AND o.booked_at < o.start_at)
        )
    WHERE v.outcome = 'attended'
),
moved_back AS (
    SELECT
        v.appointment_id,
        v.slot,
        v.patient_id,
        coalesce(
            bool_or(o.planned_at <= v.start_at AND v.start_at < o.closed_at), false
        ) AS is_held,
        min(
            CASE
                WHEN v.start_at < o.booked_at AND o.booked_at < o.start_at
                    THEN o.booked_at
            END
        ) AS next_booked_at
    FROM moved AS v
    LEFT JOIN known AS o
        ON v.patient_id = o.patient_id AND v.appointment_id <> o.appointment_id
    GROUP BY v.appointment_id, v.slot, v.patient_id
)
SELECT
    s.appointment_id,
    s.slot,
    s.patient_id,
    s.start_at,
    s.start_on,
    s.start_hour,
    s.booked_on,
    s.lead_days,
    s.internal,
    s.host,
    s.appointment_type,
    s.name,
    s.interaction_type,
    s.group,
    s.self_booked,
    s.recurring,
    s.patient_state,
    s.medical_center,
    s.patient_age,
    coalesce(m.is_held, v.is_held, false) AS is_held,
    CASE WHEN m.slot IS NULL THEN v.next_booked_at ELSE m.next_booked_at END AS next_booked_at,
    v.next_attended_at
FROM every_slot AS s
INNER JOIN in_turn AS v ON s.patient_id = v.patient_id AND s.start_at = v.start_at
LEFT JOIN moved_back AS m
    ON s.appointment_id = m.appointment_id AND s.slot = m.slot AND s.patient_id = m.patient_id
WHERE s.outcome = 'attended' AND v.is_visit = 1
