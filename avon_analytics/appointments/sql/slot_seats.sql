-- One row is one slot: one patient attendee at one planned start of one appointment. Hosts,
-- observers, known staff and mere caregivers are no patients; an appointment that never had a
-- patient has one row without one for each start. `superseded` tells that the patient has a slot
-- at the next start too; `removed_at` is the first version from which the patient is missing.
WITH people AS (
    SELECT
        v.appointment_id,
        v.run,
        a.attendee AS patient_id,
        max(v.version) AS last_version,
        min(a.position) AS position,
        max_by(a.no_show, v.version * 100000 + a.position)
            FILTER (WHERE a.no_show IS NOT NULL) AS no_show,
        min(a.actual_start_time) AS actual_start_at,
        max(a.actual_end_time) AS actual_end_at,
        bool_or(coalesce(a.is_observer, false)) AS is_observer
    FROM appointment_attendees_versions AS a
    INNER JOIN slot_versions AS v ON a.event_id = v.event_id
    WHERE a.attendee IS NOT NULL
    GROUP BY v.appointment_id, v.run, a.attendee
),
hosts AS (
    SELECT DISTINCT appointment_id, host
    FROM slot_versions
    WHERE host IS NOT NULL
),
patients AS (
    SELECT p.*
    FROM people AS p
    LEFT JOIN hosts AS h ON p.appointment_id = h.appointment_id AND p.patient_id = h.host
    LEFT JOIN slot_staff AS f ON p.patient_id = f.person_id
    LEFT JOIN slot_people AS c ON p.patient_id = c.person_id AND c.caregiver_only
    WHERE
        NOT p.is_observer
        AND h.host IS NULL AND f.person_id IS NULL AND c.person_id IS NULL
),
seats AS (
    SELECT
        appointment_id, run, patient_id, last_version, position, no_show,
        actual_start_at, actual_end_at
    FROM patients
    UNION ALL
    SELECT appointment_id, run, NULL, last_version, 0, NULL, NULL, NULL
    FROM slot_runs
    WHERE appointment_id NOT IN (SELECT appointment_id FROM patients)
),
followed AS (
    SELECT
        *,
        coalesce(
            lead(run) OVER (PARTITION BY appointment_id, patient_id ORDER BY run) = run + 1, false
        ) AS superseded
    FROM seats
)
SELECT
    row_number() OVER (
        ORDER BY f.appointment_id, f.run, f.position, f.patient_id NULLS FIRST
    ) AS seat,
    f.appointment_id,
    f.run,
    f.patient_id,
    f.position,
    f.no_show,
    f.actual_start_at,
    f.actual_end_at,
    f.superseded,
    r.run = r.n_runs AS in_last_run,
    gone.occurred_at AS removed_at
FROM followed AS f
INNER JOIN slot_runs AS r ON f.appointment_id = r.appointment_id AND f.run = r.run
LEFT JOIN slot_versions AS gone
    ON f.appointment_id = gone.appointment_id
    AND f.last_version + 1 = gone.version
    AND (f.last_version < r.last_version OR NOT f.superseded)
