-- One row is one slot whose newest word is `cancelled`: when, by whom and why. What counts is the
-- first word of the last unbroken run of `cancelled`. The host, and known staff, cancel for the
-- provider; a patient attendee, or a caregiver of one, for the patient; all else is unknown.
WITH before AS (
    SELECT v.seat, max(h.place) AS place
    FROM slot_verdicts AS v
    INNER JOIN slot_heard AS h ON v.seat = h.seat
    WHERE v.word = 'cancelled' AND h.word <> 'cancelled' AND h.place < v.place
    GROUP BY v.seat
),
unbroken AS (
    SELECT h.*
    FROM slot_verdicts AS v
    INNER JOIN slot_heard AS h ON v.seat = h.seat
    LEFT JOIN before AS b ON v.seat = b.seat
    WHERE
        v.word = 'cancelled' AND h.word = 'cancelled'
        AND h.place <= v.place AND (b.place IS NULL OR h.place > b.place)
),
firsts AS (
    SELECT
        seat,
        min(said_at) AS cancelled_at,
        min(place) AS place,
        min_by(reason, place) FILTER (WHERE reason IS NOT NULL) AS reason
    FROM unbroken
    GROUP BY seat
),
who AS (
    SELECT
        s.seat,
        s.appointment_id,
        f.cancelled_at,
        f.reason,
        min(u.changed_by) AS changed_by
    FROM firsts AS f
    INNER JOIN unbroken AS u ON f.seat = u.seat AND f.place = u.place
    INNER JOIN slot_seats AS s ON f.seat = s.seat
    GROUP BY s.seat, s.appointment_id, f.cancelled_at, f.reason
),
providers AS (
    SELECT DISTINCT appointment_id, host AS person_id
    FROM slot_versions
    WHERE host IS NOT NULL
),
patients AS (
    SELECT appointment_id, patient_id AS person_id
    FROM slot_seats
    WHERE patient_id IS NOT NULL
    UNION
    SELECT s.appointment_id, c.caregiver_id
    FROM slot_seats AS s
    INNER JOIN slot_caregivers AS c ON s.patient_id = c.patient_id
)
SELECT
    w.seat,
    w.cancelled_at,
    w.reason,
    w.changed_by,
    CASE
        WHEN h.person_id IS NOT NULL OR f.person_id IS NOT NULL THEN 'provider'
        WHEN p.person_id IS NOT NULL THEN 'patient'
        ELSE 'unknown'
    END AS cancelled_by
FROM who AS w
LEFT JOIN providers AS h ON w.appointment_id = h.appointment_id AND w.changed_by = h.person_id
LEFT JOIN slot_staff AS f ON w.changed_by = f.person_id
LEFT JOIN patients AS p ON w.appointment_id = p.appointment_id AND w.changed_by = p.person_id
