-- One row is one appointment that must be computed anew: something is told of it, or of a person who
-- is its patient, who cancelled it, or who may have become its patient.
SELECT object_id AS appointment_id
FROM touched_objects
WHERE object_type = 'appointment' AND object_id IS NOT NULL
UNION
SELECT appointment_id
FROM kept_slots
WHERE rowid IN (
    SELECT rowid FROM kept_slots WHERE patient_id IN (SELECT person_id FROM touched_persons)
    UNION ALL
    SELECT rowid FROM kept_slots WHERE cancelled_by_id IN (SELECT person_id FROM touched_persons)
)
UNION
SELECT id
FROM stored.appointments_versions
WHERE rowid IN (
    SELECT rowid
    FROM stored.appointments_versions
    WHERE event_no IN (
        SELECT event_no
        FROM stored.appointment_attendees_versions
        WHERE attendee IN (SELECT person_id FROM touched_persons WHERE may_become_patient)
    )
)
