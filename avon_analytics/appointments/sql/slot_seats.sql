-- One row is one slot: one patient attendee at one planned start of one appointment. Hosts and
-- observers are no patients; an appointment that never had a patient has one row without one for
-- each start. `superseded` tells that the patient has a slot at the next start too, `removed_at`
-- is the first version from which the patient is missing; `lists_nobody` tells that it has no
-- attendees at all.
-- Parameters: $as_of.
WITH patients AS (
    SELECT a.*
    FROM slot_attendees AS a
    LEFT JOIN (
        SELECT h.appointment, p.person
        FROM slot_hosts AS h
        INNER JOIN slot_persons AS p ON h.host = p.person_id
    ) AS hosts ON a.appointment = hosts.appointment AND a.person = hosts.person
    WHERE NOT a.is_observer AND hosts.person IS NULL
),
seats AS (
    SELECT
        appointment, run, person, last_version, position, no_show,
        first_actual_start_at AS actual_start_at, last_actual_end_at AS actual_end_at
    FROM patients
    UNION ALL
    SELECT r.appointment, r.run, NULL, r.last_version, 0, NULL, NULL, NULL
    FROM slot_runs AS r
    LEFT JOIN (SELECT DISTINCT appointment FROM patients) AS p ON r.appointment = p.appointment
    WHERE p.appointment IS NULL
),
later AS (
    SELECT appointment, run, coalesce(person, 0) AS person
    FROM seats
    WHERE run > 1
),
followed AS (
    SELECT
        s.*,
        n.run IS NOT NULL AS superseded,
        r.last_version AS last_version_of_run,
        r.moved_at IS NULL AS in_last_run
    FROM seats AS s
    INNER JOIN slot_runs AS r ON s.appointment = r.appointment AND s.run = r.run
    LEFT JOIN later AS n
        ON s.appointment = n.appointment
        AND s.run + 1 = n.run
        AND coalesce(s.person, 0) = n.person
),
left_early AS (
    SELECT appointment, run, person, last_version
    FROM followed
    WHERE
        last_version < last_version_of_run
        OR (NOT superseded AND NOT in_last_run)
),
versions AS (
    SELECT
        k.appointment,
        v.event_id,
        v.occurred_at,
        coalesce(n.version, unix_micros(v.occurred_at)) AS version
    FROM appointments_versions AS v
    INNER JOIN slot_keys AS k ON v.id = k.appointment_id
    LEFT JOIN slot_versions AS n ON v.event_id = n.event_id
    WHERE
        v.occurred_at <= $as_of
        AND k.appointment IN (SELECT appointment FROM left_early)
),
departures AS (
    SELECT
        g.appointment,
        g.run,
        g.person,
        min(v.occurred_at) AS removed_at,
        min_by(v.event_id, v.version) AS event_id
    FROM left_early AS g
    INNER JOIN versions AS v ON g.appointment = v.appointment AND g.last_version < v.version
    GROUP BY g.appointment, g.run, g.person
),
listing AS (
    SELECT DISTINCT event_id
    FROM appointment_attendees_versions
    WHERE event_id IN (SELECT event_id FROM departures)
)
SELECT
    CAST(row_number() OVER (
        ORDER BY f.appointment, f.run, f.position, f.person NULLS FIRST
    ) AS INT) AS seat,
    f.appointment,
    f.run,
    f.person,
    f.position,
    f.no_show,
    f.actual_start_at,
    f.actual_end_at,
    f.superseded,
    f.in_last_run,
    d.removed_at,
    d.event_id IS NOT NULL AND l.event_id IS NULL AS lists_nobody
FROM followed AS f
LEFT JOIN departures AS d
    ON f.appointment = d.appointment AND f.run = d.run AND f.person = d.person
LEFT JOIN listing AS l ON d.event_id = l.event_id
