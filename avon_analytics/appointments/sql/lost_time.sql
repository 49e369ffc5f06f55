-- One row is one group and period of due sessions, and what became of their planned hours, which are
-- the sum of the six kinds of hours. Sums are of whole microseconds, so that they do not hang on the
-- order in which an engine adds. Where the patients of a session would place it in several groups, as
-- those in several time zones do, it is in the least of them, so that groups add up.
-- Reads `population`.
WITH chosen AS (
    SELECT
        keys,
        session_outcome,
        is_session_late,
        session_cancelled_by,
        hours,
        won_back_hours,
        lost_hours,
        appointment_id,
        slot
    FROM population
    WHERE is_due AND NOT is_shared
    UNION ALL
    SELECT
        min(keys),
        min(session_outcome),
        bool_or(is_session_late),
        min(session_cancelled_by),
        min(hours),
        min(won_back_hours),
        min(lost_hours),
        appointment_id,
        slot
    FROM population
    WHERE is_due AND is_shared
    GROUP BY appointment_id, slot
),
timed AS (
    SELECT
        keys,
        appointment_id,
        slot,
        hours,
        CAST(round(hours * 3.6e9) AS BIGINT) AS planned_us,
        CAST(round(won_back_hours * 3.6e9) AS BIGINT) AS won_back_us,
        CAST(round(lost_hours * 3.6e9) AS BIGINT) AS lost_us,
        session_cancelled_by AS cancelled_by,
        CASE
            WHEN session_outcome IN ('attended', 'no_show', 'unresolved') THEN session_outcome
            WHEN NOT is_session_late THEN 'in_time'
            ELSE session_outcome
        END AS fate
    FROM chosen
)
SELECT
    keys,
    count(*) AS n_sessions,
    count(*) FILTER (WHERE hours IS NULL) AS n_without_length,
    coalesce(sum(planned_us), 0) / 3.6e9 AS planned_hours,
    coalesce(sum(planned_us) FILTER (WHERE fate = 'attended'), 0) / 3.6e9 AS attended_hours,
    coalesce(sum(planned_us) FILTER (WHERE fate = 'no_show'), 0) / 3.6e9 AS no_show_hours,
    coalesce(sum(planned_us) FILTER (WHERE fate = 'cancelled'), 0) / 3.6e9 AS late_cancelled_hours,
    coalesce(sum(planned_us) FILTER (WHERE fate = 'rescheduled'), 0) / 3.6e9 AS late_rescheduled_hours,
    coalesce(sum(planned_us) FILTER (WHERE fate = 'in_time'), 0) / 3.6e9 AS released_in_time_hours,
    coalesce(sum(planned_us) FILTER (WHERE fate = 'unresolved'), 0) / 3.6e9 AS unresolved_hours,
    coalesce(sum(planned_us) FILTER (WHERE fate = 'cancelled' AND cancelled_by = 'patient'), 0)
        / 3.6e9 AS late_cancelled_by_patient_hours,
    coalesce(sum(planned_us) FILTER (WHERE fate = 'cancelled' AND cancelled_by = 'provider'), 0)
        / 3.6e9 AS late_cancelled_by_provider_hours,
    coalesce(sum(planned_us) FILTER (WHERE fate = 'cancelled' AND cancelled_by = 'unknown'), 0)
        / 3.6e9 AS late_cancelled_by_unknown_hours,
    sum(won_back_us) / 3.6e9 AS won_back_hours,
    sum(lost_us) / 3.6e9 AS lost_hours,
    count(*) FILTER (WHERE hours IS NOT NULL AND fate = 'attended') AS n_attended,
    count(*) FILTER (WHERE hours IS NOT NULL AND fate = 'no_show') AS n_no_show,
    count(*) FILTER (WHERE hours IS NOT NULL AND fate = 'cancelled') AS n_late_cancelled,
    count(*) FILTER (WHERE hours IS NOT NULL AND fate = 'cancelled' AND cancelled_by = 'patient')
        AS n_late_by_patient,
    count(*) FILTER (WHERE hours IS NOT NULL AND fate = 'cancelled' AND cancelled_by = 'provider')
        AS n_late_by_provider,
    count(*) FILTER (WHERE hours IS NOT NULL AND fate = 'cancelled' AND cancelled_by = 'unknown')
        AS n_late_by_unknown,
    count(*) FILTER (WHERE hours IS NOT NULL AND fate = 'rescheduled') AS n_late_rescheduled,
    count(*) FILTER (WHERE hours IS NOT NULL AND fate = 'in_time') AS n_in_time,
    count(*) FILTER (WHERE hours IS NOT NULL AND fate = 'unresolved') AS n_unresolved
FROM timed
GROUP BY keys
