-- One row is one slot: one patient attendee at one planned start of one appointment, as of T, and
-- what became of it. Times `_on` and `start_hour` are local to the visit. `appointment` and `seat`
-- are numbers of this computation alone.
WITH seats AS (
    SELECT
        s.seat,
        s.appointment,
        a.appointment_id,
        s.run,
        s.patient_id,
        s.position,
        s.superseded,
        s.in_last_run,
        s.no_show,
        coalesce(r.actual_start_at, s.actual_start_at) AS actual_start_at,
        coalesce(r.actual_end_at, s.actual_end_at) AS actual_end_at,
        r.start_at,
        r.end_at,
        CASE WHEN s.superseded THEN r.moved_at END AS moved_at,
        CASE WHEN s.superseded THEN r.moved_to_at END AS moved_to_at,
        a.booked_at,
        coalesce(own.zone, shared.zone, home.zone, scope.time_zone) AS time_zone,
        coalesce(
            unix_micros(coalesce(r.end_at, r.start_at)) + scope.grace_hours * 3.6e9
            <= unix_micros(scope.as_of),
            false
        ) AS is_due,
        scope.late_hours,
        a.internal,
        a.booked_observed,
        a.started_observed,
        a.completed_observed,
        a.cancelled_observed,
        r.host,
        r.appointment_type,
        r.name,
        r.interaction_type,
        r."group",
        r.self_booked,
        coalesce(r.recurring, a.recurs) AS recurring,
        p.state AS patient_state,
        p.medical_center,
        p.born_on
    FROM slot_seats AS s
    INNER JOIN slot_runs AS r ON s.appointment = r.appointment AND s.run = r.run
    INNER JOIN slot_appointments AS a ON s.appointment = a.appointment
    LEFT JOIN slot_people AS p ON s.patient_id = p.person_id
    LEFT JOIN slot_zones AS own ON r.zone = own.zone
    LEFT JOIN slot_zones AS shared ON a.zone = shared.zone
    LEFT JOIN slot_zones AS home ON p.zone = home.zone
    CROSS JOIN slot_scope AS scope
),
local_times AS (
    SELECT
        *,
        from_utc_timestamp(start_at, time_zone) AS local_start,
        from_utc_timestamp(booked_at, time_zone) AS local_booked
    FROM seats
),
judged AS (
    SELECT
        t.*,
        CASE
            WHEN t.no_show THEN 'no_show'
            WHEN v.word IN ('completed', 'in_progress') THEN 'attended'
            WHEN v.word IS NOT NULL THEN v.word
            WHEN t.superseded THEN 'rescheduled'
            WHEN t.is_due THEN 'unresolved'
            ELSE 'open'
        END AS outcome,
        CASE
            WHEN t.no_show THEN 'attendee'
            WHEN v.word IS NOT NULL THEN v.source
            WHEN t.superseded THEN 'event'
        END AS evidence,
        CASE
            WHEN t.no_show THEN NULL
            WHEN v.word IS NOT NULL THEN v.decided_at
            WHEN t.superseded THEN t.moved_at
        END AS evidence_at,
        CASE WHEN t.no_show THEN NULL ELSE v.source_word END AS source_word,
        v.started_at,
        v.completed_at
    FROM local_times AS t
    LEFT JOIN slot_verdicts AS v ON t.seat = v.seat
),
noticed AS (
    SELECT
        j.*,
        c.cancelled_at,
        c.cancelled_by,
        c.changed_by AS cancelled_by_id,
        c.reason,
        (
            unix_micros(j.start_at)
            - unix_micros(CASE j.outcome WHEN 'rescheduled' THEN j.moved_at ELSE c.cancelled_at END)
        ) / 3.6e9 AS notice_hours
    FROM judged AS j
    LEFT JOIN slot_cancellations AS c ON j.seat = c.seat AND j.outcome = 'cancelled'
)
SELECT
    appointment_id,
    run AS slot,
    patient_id,
    start_at,
    end_at,
    CAST(local_start AS DATE) AS start_on,
    CAST(hour(local_start) AS BIGINT) AS start_hour,
    time_zone,
    booked_at,
    CAST(local_booked AS DATE) AS booked_on,
    CAST(
        unix_date(CAST(local_start AS DATE)) - unix_date(CAST(local_booked AS DATE)) AS BIGINT
    ) AS lead_days,
    superseded AS is_superseded,
    in_last_run AS is_last,
    moved_at,
    moved_to_at,
    is_due,
    outcome,
    evidence,
    evidence_at,
    source_word,
    started_at,
    completed_at,
    actual_start_at,
    actual_end_at,
    cancelled_at,
    cancelled_by,
    cancelled_by_id,
    reason,
    notice_hours,
    CASE WHEN outcome = 'cancelled' THEN notice_hours < late_hours END AS is_late,
    booked_observed,
    started_observed,
    completed_observed,
    cancelled_observed,
    internal,
    host,
    appointment_type,
    name,
    interaction_type,
    "group",
    self_booked,
    recurring,
    patient_state,
    medical_center,
    CASE
        WHEN born_on <= CAST(local_start AS DATE) THEN CAST(
            year(local_start) - year(born_on)
            - CASE
                WHEN month(local_start) * 100 + day(local_start)
                    < month(born_on) * 100 + day(born_on)
                    THEN 1
                ELSE 0
            END AS BIGINT
        )
    END AS patient_age,
    position,
    appointment,
    seat
FROM noticed
