-- One row is one kind of slots that were open at the instant from which their period is looked at:
-- of the same group (`nth`), period and local day (days since 1970), as many whole days before their
-- start, known to be alike, and what became of them. A slot is open that was planned by then and
-- neither cancelled nor moved, attended or missed. Reads `looked`, slots with the number of their
-- group and with that instant; `kind` and `ended` tell what is known of them. To `kind` is added what
-- `visit` says, 1 where it was known then that the patient had attended an earlier start.
SELECT
    nth,
    unix_date(keys.period_on) AS period,
    kind + CASE WHEN unix_micros(returning_at) <= at_us THEN 1 ELSE visit END AS kind,
    ended,
    unix_date(start_on) AS day,
    CAST(floor((unix_micros(start_at) - at_us) / 8.64e10) AS INTEGER) AS days,
    count(*) AS n
FROM looked
WHERE
    unix_micros(start_at) >= at_us
    AND (outcome = 'open' OR unix_micros(planned_at) <= at_us)
    AND coalesce(unix_micros(gone_at) > at_us, true)
GROUP BY ALL
