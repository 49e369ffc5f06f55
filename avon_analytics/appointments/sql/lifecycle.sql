-- One row is one appointment, as of T, and what became of it: `lifecycle_facts`, and what is due, open
-- or unresolved.
WITH known AS (
    SELECT
        f.*,
        coalesce(
            unix_micros(coalesce(f.end_at, f.start_at)) + scope.grace_hours * 3.6e9
            <= unix_micros(scope.as_of),
            false
        ) AS is_due
    FROM lifecycle_facts AS f
    CROSS JOIN slot_scope AS scope
)
SELECT
    known.appointment_id,
    known.booked_at,
    known.booked_on,
    known.booked_observed,
    known.first_start_at,
    known.start_at,
    known.end_at,
    known.start_on,
    known.start_hour,
    known.time_zone,
    known.started_at,
    known.started_observed,
    known.completed_at,
    known.completed_observed,
    known.cancelled_at,
    known.cancelled_observed,
    known.n_rescheduled,
    known.n_slots,
    known.n_no_show,
    known.is_due,
    coalesce(
        known.outcome, CASE WHEN known.is_due THEN 'unresolved' ELSE 'open' END
    ) AS outcome,
    known.lead_days,
    known.notice_hours,
    known.planned_minutes,
    known.actual_minutes,
    known.start_delay_minutes,
    known.internal,
    known.host,
    known.appointment_type,
    known.name,
    known.interaction_type,
    known.group,
    known.self_booked,
    known.recurring,
    known.patient_id,
    known.patient_state,
    known.medical_center,
    known.patient_age
FROM known
