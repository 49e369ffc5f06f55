-- One row is one person in the appointments that are computed anew.
SELECT attendee AS person_id
FROM appointment_attendees_versions
WHERE attendee IS NOT NULL
UNION
SELECT host
FROM appointments_versions
WHERE host IS NOT NULL
UNION
SELECT changed_by
FROM appointment_status_history_versions
WHERE changed_by IS NOT NULL
