-- One row is one appointment known at T: what all its slots share.
-- Parameters: $as_of.
WITH rules AS (
    SELECT DISTINCT k.appointment
    FROM appointment_recurrence_rules_versions AS r
    INNER JOIN slot_keys AS k ON r.appointment_id = k.appointment_id
    WHERE r.occurred_at <= $as_of
),
shared AS (
    SELECT
        appointment,
        count(*) AS n_runs,
        min_by(start_at, run) AS first_start_at,
        max_by(created_at, run) FILTER (WHERE created_at IS NOT NULL) AS created_at,
        min(created_event_at) AS created_event_at,
        coalesce(max_by(internal, run) FILTER (WHERE internal IS NOT NULL), false) AS internal,
        bool_or(in_series) AS in_series
    FROM slot_runs
    GROUP BY appointment
),
status_times AS (
    SELECT
        e.appointment,
        min(e.said_at) FILTER (WHERE w.word = 'scheduled' AND e.source = 0) AS first_scheduled_at,
        min(e.said_at) FILTER (WHERE w.word = 'in_progress') AS started_at,
        min(e.said_at) FILTER (WHERE w.word = 'completed') AS completed_at,
        bool_or(w.word = 'in_progress' AND e.source = 2) AS started_observed,
        bool_or(w.word = 'completed' AND e.source = 2) AS completed_observed,
        bool_or(w.word = 'cancelled' AND e.source = 2) AS cancelled_observed
    FROM slot_evidence AS e
    INNER JOIN slot_spellings AS w ON e.spelling = w.spelling
    GROUP BY e.appointment
)
SELECT
    a.appointment,
    k.appointment_id,
    a.n_runs,
    a.first_start_at,
    a.internal,
    coalesce(a.created_at, a.created_event_at, t.first_scheduled_at) AS booked_at,
    a.created_event_at IS NOT NULL AS booked_observed,
    t.started_at,
    t.completed_at,
    coalesce(t.started_observed, false) AS started_observed,
    coalesce(t.completed_observed, false) AS completed_observed,
    coalesce(t.cancelled_observed, false) AS cancelled_observed,
    a.in_series OR r.appointment IS NOT NULL AS recurs
FROM shared AS a
INNER JOIN slot_keys AS k ON a.appointment = k.appointment
LEFT JOIN status_times AS t ON a.appointment = t.appointment
LEFT JOIN rules AS r ON a.appointment = r.appointment
