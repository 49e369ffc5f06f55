-- One row is one thing that was told about an appointment: a status word at an instant. Without a
-- patient it concerns all of them. `told_run` is the planned start under which it was first told;
-- where a start changed, a change that later versions repeat is one row, else it may be several.
-- `place` orders words: by instant, then by rank (slot_spellings), then status_history before
-- actual_time before event, so that of one instant the furthest word is the newest and the first
-- word of a change is the one that tells by whom. A status_history entry without an instant counts
-- from the version that first told it. Of several actual times the first and the last count. Only
-- the version must have occurred by T: what it tells is taken as it stands.
-- Parameters: $as_of.
WITH names AS (
    SELECT
        k.appointment,
        CAST(NULL AS VARCHAR) AS patient_id,
        substr(v.event, 13) AS source_word,
        v.occurred_at AS said_at,
        coalesce(n.run, 1) AS told_run,
        CAST(NULL AS VARCHAR) AS changed_by,
        CAST(NULL AS VARCHAR) AS reason,
        'event' AS source,
        2 AS source_rank
    FROM appointments_versions AS v
    INNER JOIN slot_keys AS k ON v.id = k.appointment_id
    LEFT JOIN slot_versions AS n ON v.event_id = n.event_id
    WHERE v.occurred_at <= $as_of AND v.event LIKE 'appointment.%'
),
changes AS (
    SELECT
        k.appointment,
        CAST(NULL AS VARCHAR) AS patient_id,
        h.status AS source_word,
        h.changed_at AS said_at,
        1 AS told_run,
        h.changed_by,
        h.reason,
        'status_history' AS source,
        0 AS source_rank
    FROM appointment_status_history_versions AS h
    INNER JOIN slot_keys AS k ON h.appointment_id = k.appointment_id
    WHERE
        h.occurred_at <= $as_of AND h.status IS NOT NULL
        AND h.changed_at IS NOT NULL AND NOT k.has_moved
    UNION ALL
    SELECT
        k.appointment,
        CAST(NULL AS VARCHAR),
        h.status,
        coalesce(h.changed_at, min(h.occurred_at)),
        min(coalesce(n.run, 1)),
        h.changed_by,
        max(h.reason),
        'status_history',
        0
    FROM appointment_status_history_versions AS h
    INNER JOIN slot_keys AS k ON h.appointment_id = k.appointment_id
    LEFT JOIN slot_versions AS n ON h.event_id = n.event_id
    WHERE
        h.occurred_at <= $as_of AND h.status IS NOT NULL
        AND (h.changed_at IS NULL OR k.has_moved)
    GROUP BY k.appointment, h.status, h.changed_at, h.changed_by
),
told_times AS (
    SELECT appointment, NULL AS patient_id, 'in_progress' AS source_word,
        first_actual_start_at AS said_at, run
    FROM slot_runs
    UNION ALL
    SELECT appointment, NULL, 'in_progress', last_actual_start_at, run FROM slot_runs
    UNION ALL
    SELECT appointment, NULL, 'completed', first_actual_end_at, run FROM slot_runs
    UNION ALL
    SELECT appointment, NULL, 'completed', last_actual_end_at, run FROM slot_runs
    UNION ALL
    SELECT appointment, attendee, 'in_progress', first_actual_start_at, run FROM slot_attendees
    UNION ALL
    SELECT appointment, attendee, 'in_progress', last_actual_start_at, run FROM slot_attendees
    UNION ALL
    SELECT appointment, attendee, 'completed', first_actual_end_at, run FROM slot_attendees
    UNION ALL
    SELECT appointment, attendee, 'completed', last_actual_end_at, run FROM slot_attendees
),
times AS (
    SELECT
        appointment,
        patient_id,
        source_word,
        said_at,
        min(run) AS told_run,
        CAST(NULL AS VARCHAR) AS changed_by,
        CAST(NULL AS VARCHAR) AS reason,
        'actual_time' AS source,
        1 AS source_rank
    FROM told_times
    WHERE said_at IS NOT NULL
    GROUP BY appointment, patient_id, source_word, said_at
),
told AS (
    SELECT * FROM names
    UNION ALL
    SELECT * FROM changes
    UNION ALL
    SELECT * FROM times
)
SELECT
    t.appointment,
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
INNER JOIN slot_spellings AS w ON t.source_word = w.source_word
