-- One row is one planned start of an appointment: a maximal run of versions with the same start.
-- What describes it is what the last version of the run that tells it says.
WITH runs AS (
    SELECT
        v.appointment_id,
        v.run,
        max(v.version) AS last_version,
        min(v.occurred_at) AS began_at,
        max(v.start_time) AS start_at,
        max_by(a.end_time, v.version) FILTER (WHERE a.end_time IS NOT NULL) AS end_at,
        max_by(v.actual_start_time, v.version)
            FILTER (WHERE v.actual_start_time IS NOT NULL) AS actual_start_at,
        max_by(v.actual_end_time, v.version)
            FILTER (WHERE v.actual_end_time IS NOT NULL) AS actual_end_at,
        max_by(a.host, v.version) FILTER (WHERE a.host IS NOT NULL) AS host,
        max_by(a.appointment_type, v.version)
            FILTER (WHERE a.appointment_type IS NOT NULL) AS appointment_type,
        max_by(a.name, v.version) FILTER (WHERE a.name IS NOT NULL) AS name,
        max_by(a.interaction_type, v.version)
            FILTER (WHERE a.interaction_type IS NOT NULL) AS interaction_type,
        max_by(a."group", v.version) FILTER (WHERE a."group" IS NOT NULL) AS "group",
        bool_or(a.generated_from_type IS NOT NULL) AS self_booked,
        max_by(a.recurring, v.version) FILTER (WHERE a.recurring IS NOT NULL) AS recurring,
        max_by(a.timezone, v.version) FILTER (WHERE a.timezone IS NOT NULL) AS zone
    FROM slot_versions AS v
    INNER JOIN appointments_versions AS a ON v.event_id = a.event_id
    GROUP BY v.appointment_id, v.run
)
SELECT
    *,
    lead(began_at) OVER following AS moved_at,
    lead(start_at) OVER following AS moved_to_at,
    count(*) OVER (PARTITION BY appointment_id) AS n_runs
FROM runs
WINDOW following AS (PARTITION BY appointment_id ORDER BY run)
