-- One row is one person (of slot_persons) listed at one planned start of one appointment: the first
-- and the last version that list them, and what the last version that tells it says of them. Of
-- several entries in one version the one updated last counts, else the last of the list. Who only
-- looks on does so at every start of the appointment.
-- Parameters: $as_of.
WITH listed AS (
    SELECT
        k.appointment,
        coalesce(n.run, 1) AS run,
        p.person,
        coalesce(n.version, unix_micros(a.occurred_at)) AS version,
        coalesce(unix_micros(a.last_updated_at), -999999999999999999) AS updated,
        a.position,
        a.no_show,
        a.is_observer,
        a.actual_start_time,
        a.actual_end_time
    FROM appointment_attendees_versions AS a
    INNER JOIN slot_persons AS p ON a.attendee = p.person_id
    INNER JOIN slot_keys AS k ON a.appointment_id = k.appointment_id
    LEFT JOIN slot_versions AS n ON a.event_id = n.event_id
    WHERE a.occurred_at <= $as_of
),
told AS (
    SELECT
        appointment,
        run,
        person,
        min(version) AS first_version,
        max(version) AS last_version,
        min(position) AS position,
        max_by(no_show, (version, updated, position))
            FILTER (WHERE no_show IS NOT NULL) AS no_show,
        max_by(is_observer, (version, updated, position))
            FILTER (WHERE is_observer IS NOT NULL) AS is_observer,
        min(actual_start_time) AS first_actual_start_at,
        max(actual_start_time) AS last_actual_start_at,
        min(actual_end_time) AS first_actual_end_at,
        max(actual_end_time) AS last_actual_end_at
    FROM listed
    GROUP BY appointment, run, person
),
onlookers AS (
    SELECT appointment, person, max_by(is_observer, run) AS is_observer
    FROM told
    WHERE
        is_observer IS NOT NULL
        AND appointment IN (SELECT appointment FROM told WHERE is_observer)
    GROUP BY appointment, person
)
SELECT
    t.appointment,
    t.run,
    t.person,
    t.first_version,
    t.last_version,
    t.position,
    t.no_show,
    coalesce(o.is_observer, false) AS is_observer,
    t.first_actual_start_at,
    t.last_actual_start_at,
    t.first_actual_end_at,
    t.last_actual_end_at
FROM told AS t
LEFT JOIN onlookers AS o ON t.appointment = o.appointment AND t.person = o.person
