-- One row is one kind of slots that were open at the instant from which their period is looked at:
-- of the same group, period and local day, as many whole days before their start, known to be alike,
-- and what became of them. A slot is open that was planned by then and neither cancelled nor moved,
-- attended or missed. Reads `population`, `patients` and `looked`, the instant of each
-- period; 1 January 1970 stands for no period. `visit` is 0 for a first one, 1 for a returning
-- patient, 2 for unknown, 3 without a patient; outcomes are numbered, -1 is still open.
WITH there AS (
    SELECT p.*, l.at_us
    FROM population AS p
    INNER JOIN looked AS l ON coalesce(p.keys.period_on, DATE '1970-01-01') = l.period_on
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
        END AS visit
    FROM there AS t
    LEFT JOIN patients AS v
        ON
            t.patient_id = v.patient_id
            AND unix_micros(t.start_at) > v.since_us
            AND unix_micros(t.start_at) <= v.until_us
)
SELECT
    keys,
    visit,
    CASE outcome
        WHEN 'attended' THEN 0
        WHEN 'no_show' THEN 1
        WHEN 'cancelled' THEN 2
        WHEN 'rescheduled' THEN 3
        WHEN 'unresolved' THEN 4
        ELSE -1
    END AS outcome,
    start_on,
    CAST(floor((unix_micros(start_at) - at_us) / 8.64e10) AS BIGINT) AS days,
    count(*) AS n
FROM known
GROUP BY
    keys,
    visit,
    outcome,
    start_on,
    CAST(floor((unix_micros(start_at) - at_us) / 8.64e10) AS BIGINT)
