-- One row is one kind of slots that were open at the instant from which their period is looked at:
-- of the same group (`nth`), period and local day (days since 1970), as many whole days before their
-- start, known to be alike, and what became of them. A slot is open that was planned by then and
-- neither cancelled nor moved, attended or missed. Reads `looked`, slots with the number of their
-- group and with that instant; `kind` and `ended` tell what is known of them. To `kind` is added what
-- `visit` says, 1 where it was known then that the patient had attended an earlier start.
WITH there AS (
    SELECT
        *,
        unix_date(keys.period_on) AS period,
        unix_date(start_on) AS day,
        CASE WHEN unix_micros(returning_at) <= at_us THEN 1 ELSE visit END AS visit_then,
        CAST(floor((unix_micros(start_at) - at_us) / 8.64e10) AS BIGINT) AS days
    FROM looked
    WHERE
        unix_micros(start_at) >= at_us
        AND (outcome = 'open' OR unix_micros(planned_at) <= at_us)
        AND coalesce(unix_micros(gone_at) > at_us, true)
)
SELECT
    nth,
    period,
    kind + visit_then AS kind,
    ended,
    day,
    days,
    count(*) AS n
FROM there
GROUP BY nth, period, there.kind, visit_then, ended, day, days
