-- One row is one person known at T to care, now or before, for one patient, in whichever record
-- it was told: the patient's caregiver, their list of caregivers, a caregiver's dependents.
-- Parameters: $as_of.
WITH told AS (
    SELECT id AS patient_id, caregiver AS caregiver_id, occurred_at FROM people_versions
    UNION ALL
    SELECT patient_id, id, occurred_at FROM patient_caregivers_versions
    UNION ALL
    SELECT id, patient_id, occurred_at FROM patient_dependents_versions
)
SELECT DISTINCT t.patient_id, t.caregiver_id
FROM told AS t
WHERE t.occurred_at <= $as_of AND t.patient_id IS NOT NULL AND t.caregiver_id IS NOT NULL
