-- One row is one slot, as of T, and what became of it. Of `slot_facts` nothing hangs on when T is;
-- here it is told what is due, and what is open or unresolved where nothing decided.
WITH known AS (
    SELECT
        f.*,
        scope.late_hours,
        scope.is_same_day,
        coalesce(
            unix_micros(coalesce(f.end_at, f.start_at)) + scope.grace_hours * 3.6e9
            <= unix_micros(scope.as_of),
            false
        ) AS is_due
    FROM slot_facts AS f
    CROSS JOIN slot_scope AS scope
)
SELECT
    known.appointment_id,
    known.slot,
    known.patient_id,
    known.start_at,
    known.end_at,
    known.start_on,
    known.start_hour,
    known.time_zone,
    known.booked_at,
    known.planned_at,
    known.booked_on,
    known.lead_days,
    known.is_superseded,
    known.is_last,
    known.moved_at,
    known.moved_to_at,
    known.is_due,
    coalesce(
        known.outcome, CASE WHEN known.is_due THEN 'unresolved' ELSE 'open' END
    ) AS outcome,
    known.evidence,
    known.evidence_at,
    known.source_word,
    known.started_at,
    known.completed_at,
    known.actual_start_at,
    known.actual_end_at,
    known.cancelled_at,
    known.cancelled_by,
    known.cancelled_by_id,
    known.reason,
    known.notice_hours,
    CASE
        WHEN known.outcome <> 'cancelled' OR known.outcome IS NULL THEN NULL
        WHEN known.is_same_day
            THEN CAST(from_utc_timestamp(known.cancelled_at, known.time_zone) AS DATE)
                >= known.start_on
        ELSE known.notice_hours < known.late_hours
    END AS is_late,
    known.booked_observed,
    known.started_observed,
    known.completed_observed,
    known.cancelled_observed,
    known.internal,
    known.host,
    known.appointment_type,
    known.name,
    known.interaction_type,
    known.group,
    known.self_booked,
    known.recurring,
    known.patient_state,
    known.medical_center,
    known.patient_age,
    known.gone_at,
    known.position,
    known.is_shared
FROM known
