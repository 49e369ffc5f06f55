-- One row is one appointment whose versions must be put in order with care: its planned start
-- changed, or two of its versions occurred at one instant. Of all others the instant of a version
-- is its place in the order, and they have one planned start.
-- Parameters: $as_of.
SELECT appointment
FROM slot_keys
WHERE has_moved
UNION
SELECT k.appointment
FROM appointments_versions AS v
INNER JOIN slot_keys AS k ON v.id = k.appointment_id
WHERE v.occurred_at <= $as_of
GROUP BY k.appointment, v.occurred_at
HAVING count(*) > 1
