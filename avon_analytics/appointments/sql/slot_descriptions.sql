-- One row is one planned start of an appointment, and the texts that describe it: of each what the
-- last version of the run that tells it says. Where that is the run's last version for all of
-- them (`is_whole`), its row is taken as it stands.
-- Parameters: $as_of.
SELECT
    r.appointment, r.run, v.host, v.appointment_type, v.name, v.interaction_type, z.zone
FROM appointments_versions AS v
INNER JOIN slot_keys AS k ON v.id = k.appointment_id
LEFT JOIN slot_versions AS n ON v.event_id = n.event_id
INNER JOIN slot_runs AS r
    ON k.appointment = r.appointment
    AND coalesce(n.run, 1) = r.run
    AND coalesce(n.version, unix_micros(v.occurred_at)) = r.last_version
LEFT JOIN slot_zones AS z ON v.timezone = z.source_zone
WHERE v.occurred_at <= $as_of AND r.is_whole
UNION ALL
SELECT
    appointment,
    run,
    max(host) FILTER (WHERE version = host_version),
    max(appointment_type) FILTER (WHERE version = type_version),
    max(name) FILTER (WHERE version = name_version),
    max(interaction_type) FILTER (WHERE version = interaction_version),
    max(zone) FILTER (WHERE version = zone_version)
FROM (
    SELECT
        r.*,
        v.host,
        v.appointment_type,
        v.name,
        v.interaction_type,
        z.zone,
        coalesce(n.version, unix_micros(v.occurred_at)) AS version
    FROM appointments_versions AS v
    INNER JOIN slot_keys AS k ON v.id = k.appointment_id
    LEFT JOIN slot_versions AS n ON v.event_id = n.event_id
    INNER JOIN slot_runs AS r ON k.appointment = r.appointment AND coalesce(n.run, 1) = r.run
    LEFT JOIN slot_zones AS z ON v.timezone = z.source_zone
    WHERE v.occurred_at <= $as_of AND NOT r.is_whole
) AS described
GROUP BY appointment, run
