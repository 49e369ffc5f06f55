-- One row is one slot whose newest word is `cancelled`: when, by whom and why. What counts is the
-- first word of the last unbroken run of `cancelled`. The host, and known staff, cancel for the
-- provider; a patient attendee, or a caregiver of one, for the patient; all else is unknown.
WITH cancelled AS (
    SELECT seat, place
    FROM slot_verdicts
    WHERE word = 'cancelled'
),
heard AS (
    SELECT h.seat, h.word, h.place, h.said_at, h.changed_by, h.reason
    FROM cancelled AS v
    INNER JOIN slot_heard AS h ON v.seat = h.seat AND h.place <= v.place
),
broken AS (
    SELECT seat, max(place) AS place
    FROM heard
    WHERE word <> 'cancelled'
    GROUP BY seat
),
unbroken AS (
    SELECT h.*
    FROM heard AS h
    LEFT JOIN broken AS b ON h.seat = b.seat
    WHERE h.word = 'cancelled' AND (b.place IS NULL OR h.place > b.place)
),
firsts AS (
    SELECT
        seat,
        min(said_at) AS cancelled_at,
        min(place) AS place,
        min(place) FILTER (WHERE reason IS NOT NULL) AS reason_place
    FROM unbroken
    GROUP BY seat
),
who AS (
    SELECT
        f.seat,
        f.cancelled_at,
        min(u.changed_by) FILTER (WHERE u.place = f.place) AS changed_by,
        max(u.reason) FILTER (WHERE u.place = f.reason_place) AS reason
    FROM firsts AS f
    INNER JOIN unbroken AS u ON f.seat = u.seat
    GROUP BY f.seat, f.cancelled_at
),
patients AS (
    SELECT appointment, patient_id AS person_id
    FROM slot_seats
    WHERE patient_id IS NOT NULL
    UNION
    SELECT s.appointment, c.caregiver_id
    FROM slot_seats AS s
    INNER JOIN slot_caregivers AS c ON s.patient_id = c.patient_id
)
SELECT
    w.seat,
    w.cancelled_at,
    w.reason,
    w.changed_by,
    CASE
        WHEN h.host IS NOT NULL OR f.person_id IS NOT NULL THEN 'provider'
        WHEN p.person_id IS NOT NULL THEN 'patient'
        ELSE 'unknown'
    END AS cancelled_by
FROM who AS w
INNER JOIN slot_seats AS s ON w.seat = s.seat
LEFT JOIN slot_hosts AS h ON s.appointment = h.appointment AND w.changed_by = h.host
LEFT JOIN slot_staff AS f ON w.changed_by = f.person_id
LEFT JOIN patients AS p ON s.appointment = p.appointment AND w.changed_by = p.person_id
