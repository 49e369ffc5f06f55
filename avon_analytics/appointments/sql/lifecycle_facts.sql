-- One row is one appointment as known at T: its planned times, the instants of its stages and what
-- decided about it, read off the slots of its last planned start; without an outcome nothing did.
-- What describes its patient is that of the first one in the list of attendees. A stage's instant is
-- the first one told for it; it is observed if the webhook named after the stage came, else inferred.
WITH last_runs AS (
    SELECT appointment, max(run) AS run
    FROM slot_seats
    GROUP BY appointment
),
latest AS (
    SELECT s.*
    FROM slot_facts AS s
    INNER JOIN last_runs AS l ON s.appointment = l.appointment AND s.slot = l.run
),
ends AS (
    SELECT
        appointment,
        min(seat) AS first_seat,
        count(*) AS n_slots,
        count(*) FILTER (WHERE outcome = 'no_show') AS n_no_show,
        CASE min(
            CASE outcome
                WHEN 'attended' THEN 1
                WHEN 'no_show' THEN 2
                WHEN 'cancelled' THEN 3
            END
        )
            WHEN 1 THEN 'attended'
            WHEN 2 THEN 'no_show'
            WHEN 3 THEN 'cancelled'
        END AS outcome,
        max(cancelled_at) AS cancelled_at,
        min(actual_start_at) AS actual_start_at,
        max(actual_end_at) AS actual_end_at
    FROM latest
    GROUP BY appointment
),
lives AS (
    SELECT
        f.*,
        a.first_start_at,
        a.n_runs - 1 AS n_rescheduled,
        CAST(from_utc_timestamp(a.first_start_at, f.time_zone) AS DATE) AS first_start_on,
        a.started_at AS first_started_at,
        a.completed_at AS first_completed_at,
        e.n_slots,
        e.n_no_show,
        e.outcome AS end_outcome,
        CASE WHEN e.outcome = 'cancelled' THEN e.cancelled_at END AS end_cancelled_at,
        e.actual_start_at AS visit_start_at,
        e.actual_end_at AS visit_end_at
    FROM ends AS e
    INNER JOIN slot_facts AS f ON e.first_seat = f.seat
    INNER JOIN slot_appointments AS a ON e.appointment = a.appointment
)
SELECT
    appointment_id,
    booked_at,
    booked_on,
    booked_observed,
    first_start_at,
    start_at,
    end_at,
    start_on,
    start_hour,
    time_zone,
    first_started_at AS started_at,
    started_observed,
    first_completed_at AS completed_at,
    completed_observed,
    end_cancelled_at AS cancelled_at,
    cancelled_observed,
    n_rescheduled,
    n_slots,
    n_no_show,
    end_outcome AS outcome,
    CAST(unix_date(first_start_on) - unix_date(booked_on) AS BIGINT) AS lead_days,
    (unix_micros(start_at) - unix_micros(end_cancelled_at)) / 3.6e9 AS notice_hours,
    (unix_micros(end_at) - unix_micros(start_at)) / 6e7 AS planned_minutes,
    (unix_micros(visit_end_at) - unix_micros(visit_start_at)) / 6e7 AS actual_minutes,
    (unix_micros(visit_start_at) - unix_micros(start_at)) / 6e7 AS start_delay_minutes,
    internal,
    host,
    appointment_type,
    name,
    interaction_type,
    lives.group,
    self_booked,
    recurring,
    patient_id,
    patient_state,
    medical_center,
    patient_age
FROM lives
