-- One row is one slot with a planned start, and what tells how it stood at any earlier instant: when
-- it was planned, when that was over (`gone_at`), and since when it was known that its patient had
-- attended an earlier start. `kind` (see `slot_kinds`) is that of a slot of which this is not known:
-- it is 2 less where `is_first`, and from `returning_at` on 1 less, a returning patient's. What is due,
-- open or unresolved is told as of T.
-- Reads `landmark_facts`. Parameters: $as_of, $grace_hours.
WITH first_event AS (
    SELECT min(occurred_at) AS first_at FROM appointments_versions WHERE occurred_at <= $as_of
),
known AS (
    SELECT
        f.appointment_id,
        f.slot,
        f.patient_id,
        f.start_at,
        coalesce(f.end_at, f.start_at) AS over_at,
        f.start_on,
        f.start_hour,
        f.booked_on,
        f.lead_days,
        f.internal,
        f.host,
        f.appointment_type,
        f.name,
        f.interaction_type,
        f.group,
        f.self_booked,
        f.recurring,
        f.patient_state,
        f.medical_center,
        f.patient_age,
        f.planned_at,
        f.gone_at,
        f.outcome AS decided,
        CASE
            WHEN
                f.ended = 4
                AND unix_micros(coalesce(f.end_at, f.start_at)) + $grace_hours * 3.6e9
                > unix_micros($as_of)
                THEN -1
            ELSE f.ended
        END AS ended,
        f.returning_at,
        unix_micros(coalesce(f.end_at, f.start_at)) + $grace_hours * 3.6e9
            <= unix_micros($as_of) AS is_due,
        f.kind,
        f.patient_created_at >= e.first_at AS is_first
    FROM landmark_facts AS f
    CROSS JOIN first_event AS e
    WHERE f.start_at IS NOT NULL
)
SELECT
    known.*,
    coalesce(known.decided, CASE WHEN known.is_due THEN 'unresolved' ELSE 'open' END) AS outcome
FROM known
