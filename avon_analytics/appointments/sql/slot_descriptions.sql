-- One row is one planned start of an appointment, and the texts that describe it: of each what the
-- last version of the run that tells it says. Where that is the run's last version for all of
-- them, its row is taken as it stands.
-- Parameters: $as_of.
WITH runs AS (
    SELECT
        appointment,
        run,
        last_version,
        host_version,
        type_version,
        name_version,
        interaction_version,
        zone_version,
        coalesce(host_version, last_version) = last_version
        AND coalesce(type_version, last_version) = last_version
        AND coalesce(name_version, last_version) = last_version
        AND coalesce(interaction_version, last_version) = last_version
        AND coalesce(zone_version, last_version) = last_version AS is_whole
    FROM slot_runs
),
told AS (
    SELECT
        k.appointment,
        coalesce(n.run, 1) AS run,
        coalesce(n.version, unix_micros(v.occurred_at)) AS version,
        v.host,
        v.appointment_type,
        v.name,
        v.interaction_type,
        v.timezone
    FROM appointments_versions AS v
    INNER JOIN slot_keys AS k ON v.id = k.appointment_id
    LEFT JOIN slot_versions AS n ON v.event_id = n.event_id
    WHERE v.occurred_at <= $as_of
)
SELECT
    t.appointment, t.run, t.host, t.appointment_type, t.name, t.interaction_type,
    t.timezone AS zone
FROM told AS t
INNER JOIN runs AS r
    ON t.appointment = r.appointment AND t.run = r.run AND t.version = r.last_version
WHERE r.is_whole
UNION ALL
SELECT
    t.appointment,
    t.run,
    max(t.host) FILTER (WHERE t.version = r.host_version),
    max(t.appointment_type) FILTER (WHERE t.version = r.type_version),
    max(t.name) FILTER (WHERE t.version = r.name_version),
    max(t.interaction_type) FILTER (WHERE t.version = r.interaction_version),
    max(t.timezone) FILTER (WHERE t.version = r.zone_version)
FROM told AS t
INNER JOIN runs AS r ON t.appointment = r.appointment AND t.run = r.run
WHERE NOT r.is_whole
GROUP BY t.appointment, t.run
