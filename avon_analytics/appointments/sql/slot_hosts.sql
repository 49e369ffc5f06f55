-- One row is one host that an appointment has or had.
-- Parameters: $as_of.
SELECT appointment, host
FROM slot_runs
WHERE host IS NOT NULL
UNION
SELECT r.appointment, v.host
FROM slot_runs AS r
INNER JOIN slot_keys AS k ON r.appointment = k.appointment
INNER JOIN appointments_versions AS v ON k.appointment_id = v.id
WHERE r.host_changed AND v.host IS NOT NULL AND v.occurred_at <= $as_of
