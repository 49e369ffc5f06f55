-- One row is one thing that was told about an appointment: a status word at an instant. Without a
-- person it concerns all of them. `source` tells where it stood: 0 in the status_history, 1 as an
-- actual time, 2 as the name of an event. `reported_run` is the planned start under which it was
-- first reported; who changed it may be told later. A status_history that comes with a later start,
-- and repeats what the name of an event had said, is no news of that start, and comes too late for
-- the earlier one. A status_history entry without an instant counts from the version that first told
-- it. Of several actual times the first and the last count. Only the version must have occurred by T:
-- what it tells is taken as it stands.
-- Parameters: $as_of.
WITH changes AS (
    SELECT k.appointment, h.status, h.changed_at AS said_at, 1 AS reported_run
    FROM appointment_status_history_versions AS h
    INNER JOIN slot_keys AS k ON h.appointment_id = k.appointment_id
    WHERE h.occurred_at <= $as_of AND h.changed_at IS NOT NULL AND NOT k.has_moved
    UNION ALL
    SELECT
        k.appointment,
        h.status,
        coalesce(h.changed_at, min(h.occurred_at)),
        min(coalesce(n.run, 1))
    FROM appointment_status_history_versions AS h
    INNER JOIN slot_keys AS k ON h.appointment_id = k.appointment_id
    LEFT JOIN slot_versions AS n ON h.event_id = n.event_id
    WHERE h.occurred_at <= $as_of AND (h.changed_at IS NULL OR k.has_moved)
    GROUP BY
        k.appointment,
        h.status,
        h.changed_at,
        CASE WHEN h.changed_at IS NULL THEN h.changed_by END
),
actual_times AS (
    SELECT appointment, CAST(NULL AS INT) AS person, 'in_progress' AS word,
        first_actual_start_at AS said_at, run
    FROM slot_runs
    UNION ALL
    SELECT appointment, NULL, 'in_progress', last_actual_start_at, run FROM slot_runs
    UNION ALL
    SELECT appointment, NULL, 'completed', first_actual_end_at, run FROM slot_runs
    UNION ALL
    SELECT appointment, NULL, 'completed', last_actual_end_at, run FROM slot_runs
    UNION ALL
    SELECT appointment, person, 'in_progress', first_actual_start_at, run FROM slot_attendees
    UNION ALL
    SELECT appointment, person, 'in_progress', last_actual_start_at, run FROM slot_attendees
    UNION ALL
    SELECT appointment, person, 'completed', first_actual_end_at, run FROM slot_attendees
    UNION ALL
    SELECT appointment, person, 'completed', last_actual_end_at, run FROM slot_attendees
),
times AS (
    SELECT appointment, person, word, said_at, min(run) AS reported_run
    FROM actual_times
    WHERE said_at IS NOT NULL
    GROUP BY appointment, person, word, said_at
),
named AS (
    SELECT
        k.appointment,
        k.has_moved,
        v.occurred_at AS said_at,
        w.spelling,
        w.word,
        coalesce(n.run, 1) AS reported_run
    FROM appointments_versions AS v
    INNER JOIN slot_spellings AS w ON substr(v.event, 13) = w.source_word
    INNER JOIN slot_keys AS k ON v.id = k.appointment_id
    LEFT JOIN slot_versions AS n ON v.event_id = n.event_id
    WHERE v.occurred_at <= $as_of AND v.event LIKE 'appointment.%'
),
named_before AS (
    SELECT c.appointment, c.status, c.said_at, min(n.reported_run) AS reported_run
    FROM changes AS c
    INNER JOIN slot_spellings AS w ON c.status = w.source_word
    INNER JOIN named AS n
        ON c.appointment = n.appointment AND w.word = n.word AND c.said_at <= n.said_at
    WHERE n.has_moved
    GROUP BY c.appointment, c.status, c.said_at
),
reports AS (
    SELECT
        appointment,
        CAST(NULL AS INT) AS person,
        said_at,
        spelling,
        2 AS source,
        reported_run
    FROM named
    UNION ALL
    SELECT c.appointment, NULL, c.said_at, w.spelling, 0, c.reported_run
    FROM changes AS c
    INNER JOIN slot_spellings AS w ON c.status = w.source_word
    LEFT JOIN named_before AS b
        ON c.appointment = b.appointment AND c.status = b.status AND c.said_at = b.said_at
    WHERE
        b.reported_run IS NULL
        OR b.reported_run >= c.reported_run
        OR w.word IN ('in_progress', 'completed')
    UNION ALL
    SELECT t.appointment, t.person, t.said_at, w.spelling, 1, t.reported_run
    FROM times AS t
    INNER JOIN slot_spellings AS w ON t.word = w.source_word
)
SELECT DISTINCT appointment, person, said_at, spelling, source, reported_run
FROM reports
