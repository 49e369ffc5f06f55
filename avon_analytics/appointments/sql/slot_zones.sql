-- One row is one spelling of a time zone that the store holds, and the zone that it means. Case and
-- blanks around it make no difference; any other name is passed over.
WITH spelled AS (
    SELECT timezone AS source_zone
    FROM appointments_versions
    UNION
    SELECT timezone
    FROM people_versions
)
SELECT s.source_zone, z.zone
FROM spelled AS s
INNER JOIN slot_zone_names AS z
    ON lower(
        translate(
            btrim(s.source_zone, concat(' ', chr(9), chr(10), chr(13), chr(160))), 'Iİ', 'ii'
        )
    ) = z.spelling
