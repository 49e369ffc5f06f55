-- One row is one question: the first message of a patient, or of a caregiver, in a thread since staff
-- last wrote there, and the first message of staff after it. Internal notes and pages are no messages
-- to a patient. What else is known of the patient is what their last visit says that began before the
-- question, else their first one after it; without a visit it is missing.
-- Reads `every_slot`. Parameters: $as_of, $time_zone.
WITH staff AS (
    SELECT id FROM providers_versions WHERE occurred_at <= $as_of
    UNION
    SELECT id FROM supports_versions WHERE occurred_at <= $as_of
),
told AS (
    SELECT
        id,
        max(coalesce(message_thread, thread)) AS thread,
        max(created_by) AS created_by,
        min(created_at) AS written_at,
        max(type) AS type
    FROM messages_versions
    WHERE occurred_at <= $as_of
    GROUP BY id
),
messages_of AS (
    SELECT m.thread, m.written_at, m.created_by, m.id, s.id IS NOT NULL AS is_staff
    FROM told AS m
    LEFT JOIN staff AS s ON m.created_by = s.id
    WHERE
        (
            s.id IS NOT NULL
            OR m.created_by IN (SELECT id FROM people_versions WHERE occurred_at <= $as_of)
        )
        AND m.thread IS NOT NULL
        AND m.written_at IS NOT NULL
        AND coalesce(lower(translate(m.type, 'Iİ_', 'ii')), '') NOT IN ('internalnote', 'page')
),
in_turn AS (
    SELECT
        *,
        lag(is_staff) OVER (
            PARTITION BY thread ORDER BY written_at NULLS LAST, is_staff NULLS LAST, id NULLS LAST
        ) AS was_staff_before,
        min(CASE WHEN is_staff THEN written_at END) OVER (
            PARTITION BY thread ORDER BY written_at NULLS LAST, is_staff NULLS LAST, id NULLS LAST
            ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
        ) AS answered_at
    FROM messages_of
),
asked AS (
    SELECT id, created_by AS patient_id, written_at, answered_at
    FROM in_turn
    WHERE NOT is_staff AND coalesce(was_staff_before, true)
),
visits AS (
    SELECT
        a.id,
        a.written_at,
        s.start_at,
        s.appointment_id,
        s.slot,
        s.host,
        s.time_zone,
        s.patient_state,
        s.medical_center
    FROM asked AS a
    INNER JOIN every_slot AS s ON a.patient_id = s.patient_id
),
nearest AS (
    SELECT
        id,
        coalesce(
            max(CASE WHEN start_at <= written_at THEN start_at END),
            min(CASE WHEN start_at > written_at THEN start_at END)
        ) AS start_at
    FROM visits
    GROUP BY id
),
visit AS (
    SELECT
        v.*,
        row_number() OVER (
            PARTITION BY v.id ORDER BY v.appointment_id NULLS LAST, v.slot NULLS LAST
        ) AS nth
    FROM visits AS v
    INNER JOIN nearest AS n ON v.id = n.id AND v.start_at = n.start_at
),
placed AS (
    SELECT
        a.*,
        v.host,
        v.patient_state,
        v.medical_center,
        from_utc_timestamp(a.written_at, coalesce(v.time_zone, $time_zone)) AS local_written
    FROM asked AS a
    LEFT JOIN visit AS v ON a.id = v.id AND v.nth = 1
)
SELECT
    id AS message_id,
    patient_id,
    written_at,
    answered_at,
    host,
    patient_state,
    medical_center,
    CAST(local_written AS DATE) AS start_on,
    CAST(local_written AS DATE) AS booked_on,
    CAST(hour(local_written) AS BIGINT) AS start_hour,
    false AS internal
FROM placed
