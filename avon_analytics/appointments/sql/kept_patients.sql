-- One row is one patient of an appointment that is computed anew, as it was or as it is now.
SELECT s.patient_id
FROM kept_slots AS s
INNER JOIN kept_touched AS t ON s.appointment_id = t.appointment_id
WHERE s.patient_id IS NOT NULL
UNION
SELECT patient_id
FROM slot_facts_new
WHERE patient_id IS NOT NULL
