-- One row is one appointment that must be computed anew: something is told of it, or of a person who
-- is its patient, who cancelled it, or who may have become its patient.
SELECT object_id AS appointment_id
FROM kept_objects
WHERE object_type = 'appointment' AND object_id IS NOT NULL
UNION
SELECT s.appointment_id
FROM kept_slots AS s
INNER JOIN kept_persons AS p ON s.patient_id = p.person_id
UNION
SELECT s.appointment_id
FROM kept_slots AS s
INNER JOIN kept_persons AS p ON s.cancelled_by_id = p.person_id
UNION
SELECT a.appointment_id
FROM appointment_attendees_versions AS a
INNER JOIN kept_persons AS p ON a.attendee = p.person_id
WHERE p.may_become_patient
