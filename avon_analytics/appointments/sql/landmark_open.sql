-- One row is one kind of slots that were open at the instant from which their period is looked at:
-- of the same group and period (`place`) and local day, as many whole days before their start, known
-- to be alike, and what became of them. A slot is open that was planned by then and neither cancelled
-- nor moved, attended or missed. Reads `population`, of which `kind` tells what is known of a slot,
-- `patients` and `places`, the groups and periods with their instants. To `kind` is added 0 for a
-- first visit, 1 for a returning patient, 2 for unknown, 3 without a patient.
WITH there AS (
    SELECT p.*, l.place, l.at_us
    FROM population AS p
    INNER JOIN places AS l ON p.keys IS NOT DISTINCT FROM l.keys
    WHERE
        unix_micros(p.start_at) >= l.at_us
        AND (p.outcome = 'open' OR unix_micros(p.planned_at) <= l.at_us)
        AND coalesce(unix_micros(p.gone_at) > l.at_us, true)
),
known AS (
    SELECT
        t.*,
        CASE
            WHEN t.patient_id IS NULL THEN 3
            WHEN v.attended_at < t.start_at AND unix_micros(v.attended_known_at) <= t.at_us
                THEN 1
            WHEN v.is_new THEN 0
            ELSE 2
        END AS visit,
        CAST(floor((unix_micros(t.start_at) - t.at_us) / 8.64e10) AS BIGINT) AS days
    FROM there AS t
    LEFT JOIN patients AS v
        ON
            t.patient_id = v.patient_id
            AND unix_micros(t.start_at) > v.since_us
            AND unix_micros(t.start_at) <= v.until_us
)
SELECT
    place,
    kind + visit AS kind,
    outcome,
    start_on,
    days,
    count(*) AS n
FROM known
GROUP BY place, known.kind, visit, outcome, start_on, days
