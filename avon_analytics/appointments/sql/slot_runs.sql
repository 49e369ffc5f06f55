-- One row is one planned start of an appointment: a maximal run of versions with the same start.
-- What describes it is what the last version of the run that tells it says; of what is a text
-- (slot_descriptions) the number of that version stands here.
-- Parameters: $as_of.
WITH versions AS (
    SELECT
        v.*,
        z.zone,
        k.appointment,
        coalesce(n.run, 1) AS run,
        coalesce(n.version, unix_micros(v.occurred_at)) AS version
    FROM appointments_versions AS v
    INNER JOIN slot_keys AS k ON v.id = k.appointment_id
    LEFT JOIN slot_versions AS n ON v.event_id = n.event_id
    LEFT JOIN slot_zones AS z ON v.timezone = z.source_zone
    WHERE v.occurred_at <= $as_of
),
runs AS (
    SELECT
        appointment,
        run,
        min(version) AS first_version,
        max(version) AS last_version,
        min(occurred_at) AS began_at,
        max(start_time) AS start_at,
        max_by(end_time, version) FILTER (WHERE end_time IS NOT NULL) AS end_at,
        max_by(actual_start_time, version)
            FILTER (WHERE actual_start_time IS NOT NULL) AS actual_start_at,
        min(actual_start_time) AS first_actual_start_at,
        max(actual_start_time) AS last_actual_start_at,
        max_by(actual_end_time, version)
            FILTER (WHERE actual_end_time IS NOT NULL) AS actual_end_at,
        min(actual_end_time) AS first_actual_end_at,
        max(actual_end_time) AS last_actual_end_at,
        max_by(versions.group, version) FILTER (WHERE versions.group IS NOT NULL) AS group,
        bool_or(generated_from_type IS NOT NULL) AS self_booked,
        max_by(recurring, version) FILTER (WHERE recurring IS NOT NULL) AS recurring,
        max_by(created_at, version) FILTER (WHERE created_at IS NOT NULL) AS created_at,
        max_by(internal, version) FILTER (WHERE internal IS NOT NULL) AS internal,
        bool_or(recurrenceId IS NOT NULL) AS in_series,
        min(occurred_at) FILTER (WHERE event = 'appointment.created') AS created_event_at,
        max(version) FILTER (WHERE host IS NOT NULL) AS host_version,
        max(version) FILTER (WHERE appointment_type IS NOT NULL) AS type_version,
        max(version) FILTER (WHERE name IS NOT NULL) AS name_version,
        max(version) FILTER (WHERE interaction_type IS NOT NULL) AS interaction_version,
        max(version) FILTER (WHERE zone IS NOT NULL) AS zone_version
    FROM versions
    GROUP BY appointment, run
)
SELECT
    *,
    coalesce(host_version, last_version) = last_version
    AND coalesce(type_version, last_version) = last_version
    AND coalesce(name_version, last_version) = last_version
    AND coalesce(interaction_version, last_version) = last_version
    AND coalesce(zone_version, last_version) = last_version AS is_whole,
    lead(began_at) OVER following AS moved_at,
    lead(start_at) OVER following AS moved_to_at
FROM runs
WINDOW following AS (PARTITION BY appointment ORDER BY run)
