-- One row is one appointment known at T: what all its slots share, and which webhooks came.
WITH rules AS (
    SELECT DISTINCT r.appointment_id
    FROM appointment_recurrence_rules_versions AS r
    CROSS JOIN slot_scope AS s
    WHERE r.occurred_at <= s.as_of
),
appointments AS (
    SELECT
        v.appointment_id,
        max_by(a.created_at, v.version) FILTER (WHERE a.created_at IS NOT NULL) AS created_at,
        min(v.occurred_at) FILTER (WHERE v.event = 'appointment.created') AS created_event_at,
        coalesce(
            max_by(a.internal, v.version) FILTER (WHERE a.internal IS NOT NULL), false
        ) AS internal,
        max_by(a.timezone, v.version) FILTER (WHERE a.timezone IS NOT NULL) AS zone,
        max(a."recurrenceId") IS NOT NULL AS in_series,
        bool_or(v.event = 'appointment.created') AS booked_observed,
        bool_or(coalesce(w.word = 'in_progress', false)) AS started_observed,
        bool_or(coalesce(w.word = 'completed', false)) AS completed_observed,
        bool_or(coalesce(w.word = 'cancelled', false)) AS cancelled_observed
    FROM slot_versions AS v
    INNER JOIN appointments_versions AS a ON v.event_id = a.event_id
    LEFT JOIN slot_words AS w ON translate(lower(substr(v.event, 13)), ' _-.', '') = w.spelling
    GROUP BY v.appointment_id
)
SELECT
    a.*,
    a.in_series OR r.appointment_id IS NOT NULL AS recurs
FROM appointments AS a
LEFT JOIN rules AS r ON a.appointment_id = r.appointment_id
