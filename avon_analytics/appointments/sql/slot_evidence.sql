-- One row is one thing that was told about an appointment: a status word at an instant. Without a
-- patient it concerns all of them. A change that later versions repeat is one row; `told_run` is
-- the planned start under which it was first told. `place` orders words: by instant, then by rank
-- (slot_words), then status_history before actual_time before event, so that of one instant the
-- furthest word is the newest and the first word of a change is the one that tells by whom.
-- A status_history entry without an instant counts from the version that first told it. Only the
-- version must have occurred by T: what it tells is taken as it stands.
WITH later_versions AS (
    SELECT event_id, run
    FROM slot_versions
    WHERE run > 1
),
names AS (
    SELECT
        appointment_id,
        CAST(NULL AS VARCHAR) AS patient_id,
        substr(event, 13) AS source_word,
        occurred_at AS said_at,
        run AS told_run,
        CAST(NULL AS VARCHAR) AS changed_by,
        CAST(NULL AS VARCHAR) AS reason,
        'event' AS source,
        2 AS source_rank
    FROM slot_versions
    WHERE event LIKE 'appointment.%'
),
changes AS (
    SELECT
        h.appointment_id,
        CAST(NULL AS VARCHAR) AS patient_id,
        h.status AS source_word,
        coalesce(h.changed_at, min(h.occurred_at)) AS said_at,
        min(coalesce(v.run, 1)) AS told_run,
        h.changed_by,
        max(h.reason) AS reason,
        'status_history' AS source,
        0 AS source_rank
    FROM appointment_status_history_versions AS h
    CROSS JOIN slot_scope AS s
    LEFT JOIN later_versions AS v ON h.event_id = v.event_id
    WHERE h.occurred_at <= s.as_of AND h.status IS NOT NULL
    GROUP BY h.appointment_id, h.status, h.changed_at, h.changed_by
),
times AS (
    SELECT appointment_id, NULL AS patient_id, 'in_progress' AS source_word,
        actual_start_time AS said_at, run
    FROM slot_versions
    WHERE actual_start_time IS NOT NULL
    UNION ALL
    SELECT appointment_id, NULL, 'completed', actual_end_time, run
    FROM slot_versions
    WHERE actual_end_time IS NOT NULL
    UNION ALL
    SELECT v.appointment_id, a.attendee, 'in_progress', a.actual_start_time, v.run
    FROM appointment_attendees_versions AS a
    INNER JOIN slot_versions AS v ON a.event_id = v.event_id
    WHERE a.actual_start_time IS NOT NULL AND a.attendee IS NOT NULL
    UNION ALL
    SELECT v.appointment_id, a.attendee, 'completed', a.actual_end_time, v.run
    FROM appointment_attendees_versions AS a
    INNER JOIN slot_versions AS v ON a.event_id = v.event_id
    WHERE a.actual_end_time IS NOT NULL AND a.attendee IS NOT NULL
),
actual AS (
    SELECT
        appointment_id,
        patient_id,
        source_word,
        said_at,
        min(run) AS told_run,
        CAST(NULL AS VARCHAR) AS changed_by,
        CAST(NULL AS VARCHAR) AS reason,
        'actual_time' AS source,
        1 AS source_rank
    FROM times
    GROUP BY appointment_id, patient_id, source_word, said_at
),
told AS (
    SELECT * FROM names
    UNION ALL
    SELECT * FROM changes
    UNION ALL
    SELECT * FROM actual
)
SELECT
    t.appointment_id,
    t.patient_id,
    w.word,
    t.source_word,
    t.source,
    t.said_at,
    unix_micros(t.said_at) * 32 + w.word_rank * 3 + t.source_rank AS place,
    t.told_run,
    t.changed_by,
    t.reason
FROM told AS t
INNER JOIN slot_words AS w ON translate(lower(t.source_word), ' _-.', '') = w.spelling
