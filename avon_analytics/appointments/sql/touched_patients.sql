-- One row is one patient of an appointment that is computed anew, as it was or as it is now.
SELECT patient_id
FROM kept_slots
WHERE
    patient_id IS NOT NULL
    AND rowid IN (
        SELECT rowid
        FROM kept_slots
        WHERE appointment_id IN (SELECT appointment_id FROM touched_appointments)
    )
UNION
SELECT patient_id
FROM slot_facts_new
WHERE patient_id IS NOT NULL
