-- One row is one slot whose newest word is `cancelled`: when, by whom and why. It was cancelled at
-- the first word of the last unbroken run of `cancelled`, by the first whom a word of that run
-- names. The host cancels for the provider, else a patient of the visit or a caregiver of one for
-- the patient, else known staff for the provider; all else is unknown. Hosts and patients are those
-- of the slot's versions up to the one that first told that word.
-- Parameters: $as_of.
WITH status_words AS (
    SELECT w.seat, w.word, w.source, w.place, w.said_at
    FROM slot_verdicts AS v
    INNER JOIN slot_status_words AS w ON v.seat = w.seat AND w.place <= v.place
    WHERE v.outcome = 'cancelled'
),
broken AS (
    SELECT seat, max(place) AS place
    FROM status_words
    WHERE word <> 'cancelled'
    GROUP BY seat
),
unbroken AS (
    SELECT w.seat, w.place, w.source, w.said_at
    FROM status_words AS w
    LEFT JOIN broken AS b ON w.seat = b.seat
    WHERE w.word = 'cancelled' AND (b.place IS NULL OR w.place > b.place)
),
ends AS (
    SELECT u.seat, s.appointment, s.run, min(u.said_at) AS cancelled_at
    FROM unbroken AS u
    INNER JOIN slot_seats AS s ON u.seat = s.seat
    GROUP BY u.seat, s.appointment, s.run
),
cancellations AS (
    SELECT u.seat, u.said_at, c.changed_by, c.reason, c.first_version
    FROM unbroken AS u
    INNER JOIN ends AS e ON u.seat = e.seat
    INNER JOIN slot_cancelled_by AS c
        ON e.appointment = c.appointment AND u.said_at = c.said_at AND c.first_run <= e.run
    WHERE u.source = 0
),
reasons AS (
    SELECT seat, min_by(reason, (said_at, reason)) AS reason
    FROM cancellations
    WHERE reason IS NOT NULL
    GROUP BY seat
),
callers AS (
    SELECT
        seat,
        min_by(changed_by, (said_at, changed_by)) AS changed_by,
        min_by(first_version, (said_at, changed_by)) AS first_version
    FROM cancellations
    WHERE changed_by IS NOT NULL
    GROUP BY seat
),
who AS (
    SELECT e.seat, e.appointment, e.run, c.changed_by, c.first_version
    FROM ends AS e
    INNER JOIN callers AS c ON e.seat = c.seat
),
hosts AS (
    SELECT DISTINCT w.seat
    FROM who AS w
    INNER JOIN slot_keys AS k ON w.appointment = k.appointment
    INNER JOIN appointments_versions AS v
        ON k.appointment_id = v.id AND w.changed_by = v.host
    LEFT JOIN slot_versions AS n ON v.event_id = n.event_id
    WHERE
        v.occurred_at <= $as_of
        AND coalesce(n.run, 1) = w.run
        AND coalesce(n.version, unix_micros(v.occurred_at)) <= w.first_version
),
patients AS (
    SELECT s.appointment, s.run, s.first_version, p.person_id
    FROM slot_seats AS s
    INNER JOIN slot_persons AS p ON s.person = p.person
    WHERE s.appointment IN (SELECT appointment FROM who)
),
on_their_side AS (
    SELECT appointment, run, first_version, person_id
    FROM patients
    UNION ALL
    SELECT p.appointment, p.run, p.first_version, c.caregiver_id
    FROM patients AS p
    INNER JOIN slot_caregivers AS c ON p.person_id = c.patient_id
),
theirs AS (
    SELECT DISTINCT w.seat
    FROM who AS w
    INNER JOIN on_their_side AS p
        ON w.appointment = p.appointment
        AND w.run = p.run
        AND w.changed_by = p.person_id
        AND p.first_version <= w.first_version
)
SELECT
    e.seat,
    e.cancelled_at,
    r.reason,
    w.changed_by,
    CASE
        WHEN h.seat IS NOT NULL THEN 'provider'
        WHEN p.seat IS NOT NULL THEN 'patient'
        WHEN f.person_id IS NOT NULL THEN 'provider'
        ELSE 'unknown'
    END AS cancelled_by
FROM ends AS e
LEFT JOIN who AS w ON e.seat = w.seat
LEFT JOIN reasons AS r ON e.seat = r.seat
LEFT JOIN hosts AS h ON e.seat = h.seat
LEFT JOIN theirs AS p ON e.seat = p.seat
LEFT JOIN slot_staff AS f ON w.changed_by = f.person_id
