-- One row is one person known at T to care, now or before, for one patient, in whichever record
-- it was told: the patient's caregiver, their list of caregivers, a caregiver's dependents.
-- Parameters: $as_of.
WITH relations AS (
    SELECT id AS patient_id, caregiver AS caregiver_id, occurred_at FROM people_versions
    UNION ALL
    SELECT patient_id, id, occurred_at FROM patient_caregivers_versions
    UNION ALL
    SELECT id, patient_id, occurred_at FROM patient_dependents_versions
)
SELECT DISTINCT r.patient_id, r.caregiver_id
FROM relations AS r
WHERE r.occurred_at <= $as_of AND r.patient_id IS NOT NULL AND r.caregiver_id IS NOT NULL
