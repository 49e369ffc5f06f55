-- One row is one slot whose newest word is `cancelled`: when, by whom and why. What counts is the
-- first word of the last unbroken run of `cancelled`. The host, and known staff, cancel for the
-- provider; a patient attendee, or a caregiver of one, for the patient; all else is unknown.
WITH heard AS (
    SELECT h.seat, h.word, h.place
    FROM slot_verdicts AS v
    INNER JOIN slot_heard AS h ON v.seat = h.seat AND h.place <= v.place
    WHERE v.outcome = 'cancelled'
),
broken AS (
    SELECT seat, max(place) AS place
    FROM heard
    WHERE word <> 'cancelled'
    GROUP BY seat
),
unbroken AS (
    SELECT h.seat, h.place
    FROM heard AS h
    LEFT JOIN broken AS b ON h.seat = b.seat
    WHERE h.word = 'cancelled' AND (b.place IS NULL OR h.place > b.place)
),
firsts AS (
    SELECT
        u.seat,
        s.appointment,
        min(u.place) AS place,
        min(u.place) FILTER (WHERE c.reason IS NOT NULL) AS reason_place
    FROM unbroken AS u
    INNER JOIN slot_seats AS s ON u.seat = s.seat
    LEFT JOIN slot_callers AS c ON s.appointment = c.appointment AND u.place = c.place
    GROUP BY u.seat, s.appointment
),
who AS (
    SELECT
        f.seat,
        f.appointment,
        f.place,
        min(c.changed_by) FILTER (WHERE c.place = f.place) AS changed_by,
        max(c.reason) FILTER (WHERE c.place = f.reason_place) AS reason
    FROM firsts AS f
    LEFT JOIN slot_callers AS c
        ON f.appointment = c.appointment AND c.place IN (f.place, f.reason_place)
    GROUP BY f.seat, f.appointment, f.place
),
patients AS (
    SELECT s.appointment, p.person_id
    FROM slot_seats AS s
    INNER JOIN slot_persons AS p ON s.person = p.person
    WHERE s.appointment IN (SELECT appointment FROM who)
),
on_their_side AS (
    SELECT appointment, person_id
    FROM patients
    UNION
    SELECT p.appointment, c.caregiver_id
    FROM patients AS p
    INNER JOIN slot_caregivers AS c ON p.person_id = c.patient_id
)
SELECT
    w.seat,
    timestamp_micros(shiftright(w.place, 5)) AS cancelled_at,
    w.reason,
    w.changed_by,
    CASE
        WHEN h.host IS NOT NULL OR f.person_id IS NOT NULL THEN 'provider'
        WHEN p.person_id IS NOT NULL THEN 'patient'
        ELSE 'unknown'
    END AS cancelled_by
FROM who AS w
LEFT JOIN slot_hosts AS h ON w.appointment = h.appointment AND w.changed_by = h.host
LEFT JOIN slot_staff AS f ON w.changed_by = f.person_id
LEFT JOIN on_their_side AS p ON w.appointment = p.appointment AND w.changed_by = p.person_id
