-- One row is one slot: one patient attendee at one planned start of one appointment. Hosts and
-- observers are no patients; an appointment that never had a patient has one row without one for
-- each start.
-- A version that names no patient tells nothing about attendees: those told last stand, at its
-- start, too. So a patient stays from the first version that lists them until one after the last
-- that does names somebody else; who is listed again at that start, or at the next one that names
-- patients, was never away. `removed_at` is that version, unless the start had passed by then.
-- `superseded` tells that the patient stayed when the visit was moved away; `first_version` is the
-- first under which they stood at this start. Who left is seated last.
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
turns AS (
    SELECT appointment, run, row_number() OVER (PARTITION BY appointment ORDER BY run) AS turn
    FROM patients
    WHERE appointment IN (SELECT appointment FROM slot_keys WHERE has_moved)
    GROUP BY appointment, run
),
stints AS (
    SELECT
        p.*,
        t.turn - row_number() OVER (PARTITION BY p.appointment, p.person ORDER BY p.run) AS stint
    FROM patients AS p
    INNER JOIN turns AS t ON p.appointment = t.appointment AND p.run = t.run
    UNION ALL
    SELECT *, 0
    FROM patients
    WHERE appointment IN (SELECT appointment FROM slot_keys WHERE NOT has_moved)
),
standing AS (
    SELECT
        appointment,
        person,
        stint,
        min(run) AS first_run,
        min(first_version) AS first_version,
        max(last_version) AS last_version,
        min(position) AS position
    FROM stints
    GROUP BY appointment, person, stint
),
told_last AS (
    SELECT appointment, max(last_version) AS last_version
    FROM standing
    GROUP BY appointment
),
missing AS (
    SELECT s.appointment, s.person, s.stint, s.last_version
    FROM standing AS s
    INNER JOIN told_last AS t ON s.appointment = t.appointment AND s.last_version < t.last_version
),
tellings AS (
    SELECT DISTINCT
        k.appointment,
        coalesce(n.run, 1) AS run,
        coalesce(n.version, unix_micros(a.occurred_at)) AS version,
        a.occurred_at
    FROM appointment_attendees_versions AS a
    INNER JOIN slot_persons AS i ON a.attendee = i.person_id
    INNER JOIN slot_keys AS k ON a.appointment_id = k.appointment_id
    LEFT JOIN slot_versions AS n ON a.event_id = n.event_id
    INNER JOIN patients AS p
        ON k.appointment = p.appointment AND coalesce(n.run, 1) = p.run AND i.person = p.person
    WHERE a.occurred_at <= $as_of AND k.appointment IN (SELECT appointment FROM missing)
),
departures AS (
    SELECT
        m.appointment,
        m.person,
        m.stint,
        min(t.version) AS version,
        min_by(t.run, t.version) AS run,
        min_by(t.occurred_at, t.version) AS removed_at
    FROM missing AS m
    INNER JOIN tellings AS t ON m.appointment = t.appointment AND m.last_version < t.version
    GROUP BY m.appointment, m.person, m.stint
),
stays AS (
    SELECT
        s.appointment,
        s.person,
        s.first_run,
        s.first_version,
        s.position,
        d.removed_at,
        d.run - CASE WHEN d.version = r.first_version THEN 1 ELSE 0 END AS last_run
    FROM standing AS s
    LEFT JOIN departures AS d
        ON s.appointment = d.appointment AND s.person = d.person AND s.stint = d.stint
    LEFT JOIN slot_runs AS r ON d.appointment = r.appointment AND d.run = r.run
    UNION ALL
    SELECT r.appointment, NULL, 1, r.first_version, 0, NULL, NULL
    FROM slot_runs AS r
    LEFT JOIN told_last AS t ON r.appointment = t.appointment
    WHERE r.run = 1 AND t.appointment IS NULL
)
SELECT
    CAST(row_number() OVER (
        ORDER BY
            s.appointment,
            r.run,
            CASE WHEN r.run = s.last_run AND s.removed_at IS NOT NULL THEN 1 ELSE 0 END NULLS LAST,
            coalesce(a.position, s.position),
            s.person NULLS FIRST
    ) AS INT) AS seat,
    s.appointment,
    r.run,
    s.person,
    coalesce(a.position, s.position) AS position,
    count(*) OVER (PARTITION BY s.appointment, r.run) > 1 AS is_shared,
    greatest(s.first_version, r.first_version) AS first_version,
    a.no_show,
    a.first_actual_start_at AS actual_start_at,
    a.last_actual_end_at AS actual_end_at,
    coalesce(r.run < s.last_run, r.moved_at IS NOT NULL) AS superseded,
    r.moved_at IS NULL AS in_last_run,
    CASE
        WHEN r.run = s.last_run AND (r.start_at IS NULL OR r.start_at > s.removed_at)
            THEN s.removed_at
    END AS removed_at
FROM stays AS s
INNER JOIN slot_runs AS r
    ON s.appointment = r.appointment
    AND s.first_run <= r.run
    AND (s.last_run IS NULL OR r.run <= s.last_run)
LEFT JOIN slot_attendees AS a
    ON s.appointment = a.appointment AND r.run = a.run AND s.person = a.person
WHERE a.is_observer IS NULL OR NOT a.is_observer
