-- One row is one person listed at one planned start of one appointment, who is neither known staff
-- nor a mere caregiver: the last version that lists them, and what the last version that tells it
-- says of them. Of one version the last entry counts.
-- Parameters: $as_of.
WITH listed AS (
    SELECT
        k.appointment,
        coalesce(n.run, 1) AS run,
        coalesce(n.version, unix_micros(a.occurred_at)) AS version,
        a.attendee,
        a.position,
        a.no_show,
        a.is_observer,
        a.actual_start_time,
        a.actual_end_time
    FROM appointment_attendees_versions AS a
    INNER JOIN slot_keys AS k ON a.appointment_id = k.appointment_id
    LEFT JOIN slot_versions AS n ON a.event_id = n.event_id
    LEFT JOIN slot_staff AS f ON a.attendee = f.person_id
    LEFT JOIN slot_people AS c ON a.attendee = c.person_id AND c.caregiver_only
    WHERE
        a.occurred_at <= $as_of
        AND a.attendee IS NOT NULL AND f.person_id IS NULL AND c.person_id IS NULL
)
SELECT
    appointment,
    run,
    attendee,
    max(version) AS last_version,
    min(position) AS position,
    max_by(no_show, version * 32 + least(position, 31)) FILTER (WHERE no_show IS NOT NULL)
        AS no_show,
    coalesce(
        max_by(is_observer, version * 32 + least(position, 31))
            FILTER (WHERE is_observer IS NOT NULL),
        false
    ) AS is_observer,
    min(actual_start_time) AS first_actual_start_at,
    max(actual_start_time) AS last_actual_start_at,
    min(actual_end_time) AS first_actual_end_at,
    max(actual_end_time) AS last_actual_end_at
FROM listed
GROUP BY appointment, run, attendee
