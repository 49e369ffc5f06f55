-- One row is one host that an appointment has or had, of those who are not known staff anyway.
-- Parameters: $as_of.
SELECT DISTINCT k.appointment, v.host
FROM appointments_versions AS v
INNER JOIN slot_keys AS k ON v.id = k.appointment_id
LEFT JOIN slot_staff AS f ON v.host = f.person_id
WHERE v.occurred_at <= $as_of AND v.host IS NOT NULL AND f.person_id IS NULL
