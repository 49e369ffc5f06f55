-- One row is one person who was listed as an attendee by T and is neither known staff nor a mere
-- caregiver, with a number that stands for their id in the steps below, in the order of ids.
-- Parameters: $as_of.
WITH listed AS (
    SELECT DISTINCT attendee AS person_id
    FROM appointment_attendees_versions
    WHERE occurred_at <= $as_of AND attendee IS NOT NULL
)
SELECT
    CAST(row_number() OVER (ORDER BY l.person_id) AS INT) AS person,
    l.person_id
FROM listed AS l
LEFT JOIN slot_staff AS f ON l.person_id = f.person_id
LEFT JOIN slot_people AS c ON l.person_id = c.person_id AND c.caregiver_only
WHERE f.person_id IS NULL AND c.person_id IS NULL
