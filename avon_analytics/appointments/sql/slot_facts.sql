-- One row is one slot: one patient attendee at one planned start of one appointment, as known at T,
-- and what decided about it; without an outcome nothing did. Nothing here hangs on when T is, but
-- on the events up to it. Times `_on` and `start_hour` are local to the visit. `appointment` and
-- `seat` are numbers of this computation alone.
WITH shared_zones AS (
    SELECT d.appointment, max_by(d.zone, d.run) AS zone
    FROM slot_descriptions AS d
    INNER JOIN slot_keys AS k ON d.appointment = k.appointment
    WHERE k.has_moved AND d.zone IS NOT NULL
    GROUP BY d.appointment
),
seats AS (
    SELECT
        s.seat,
        s.appointment,
        a.appointment_id,
        s.run,
        i.person_id AS patient_id,
        s.position,
        s.is_shared,
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
        CASE WHEN s.run = 1 THEN a.booked_at ELSE r.began_at END AS planned_at,
        coalesce(d.zone, shared.zone, p.zone, scope.time_zone) AS time_zone,
        a.internal,
        a.booked_observed,
        a.started_observed,
        a.completed_observed,
        a.cancelled_observed,
        d.host,
        d.appointment_type,
        d.name,
        d.interaction_type,
        r.group,
        r.self_booked,
        coalesce(r.recurring, a.recurs) AS recurring,
        p.state AS patient_state,
        p.medical_center,
        p.born_on
    FROM slot_seats AS s
    INNER JOIN slot_runs AS r ON s.appointment = r.appointment AND s.run = r.run
    INNER JOIN slot_appointments AS a ON s.appointment = a.appointment
    INNER JOIN slot_descriptions AS d ON s.appointment = d.appointment AND s.run = d.run
    LEFT JOIN slot_persons AS i ON s.person = i.person
    LEFT JOIN slot_people AS p ON i.person_id = p.person_id
    LEFT JOIN shared_zones AS shared ON s.appointment = shared.appointment
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
            WHEN v.outcome IS NOT NULL THEN v.outcome
            WHEN t.superseded THEN 'rescheduled'
        END AS outcome,
        CASE
            WHEN t.no_show THEN 'attendee'
            WHEN v.seat IS NOT NULL THEN CASE v.source
                WHEN 0 THEN 'status_history'
                WHEN 1 THEN 'actual_time'
                WHEN 2 THEN 'event'
                ELSE 'attendee'
            END
            WHEN t.superseded THEN 'event'
        END AS evidence,
        CASE
            WHEN t.no_show THEN NULL
            WHEN v.seat IS NOT NULL THEN v.decided_at
            WHEN t.superseded THEN t.moved_at
        END AS evidence_at,
        CASE WHEN t.no_show THEN NULL ELSE w.source_word END AS source_word,
        v.started_at,
        v.completed_at
    FROM local_times AS t
    LEFT JOIN slot_verdicts AS v ON t.seat = v.seat
    LEFT JOIN slot_spellings AS w ON v.spelling = w.spelling
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
    CAST(run AS BIGINT) AS slot,
    patient_id,
    start_at,
    end_at,
    CAST(local_start AS DATE) AS start_on,
    CAST(hour(local_start) AS BIGINT) AS start_hour,
    time_zone,
    booked_at,
    planned_at,
    CAST(local_booked AS DATE) AS booked_on,
    CAST(
        unix_date(CAST(local_start AS DATE)) - unix_date(CAST(local_booked AS DATE)) AS BIGINT
    ) AS lead_days,
    superseded AS is_superseded,
    in_last_run AS is_last,
    moved_at,
    moved_to_at,
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
    booked_observed,
    started_observed,
    completed_observed,
    cancelled_observed,
    internal,
    host,
    appointment_type,
    name,
    interaction_type,
    noticed.group,
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
    least(
        moved_at,
        CASE outcome
            WHEN 'cancelled' THEN cancelled_at
            WHEN 'attended' THEN least(started_at, completed_at, evidence_at)
            WHEN 'no_show' THEN evidence_at
        END
    ) AS gone_at,
    position,
    is_shared,
    appointment,
    seat
FROM noticed
