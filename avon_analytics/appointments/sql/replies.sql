-- One row is one group and period of questions, and how soon staff answered. Those without an answer
-- by T are censored then: the median is the first hour by which, after Kaplan and Meier (1958), no
-- more than half were still waiting. Followed are questions whose hours had passed by T.
-- Reads `population`. Parameters: $as_of, $hours.
WITH waits AS (
    SELECT
        *,
        answered_at IS NOT NULL AS is_answered,
        unix_micros(coalesce(answered_at, $as_of)) - unix_micros(written_at) AS waited_us,
        unix_micros(written_at) + $hours * 3.6e9 <= unix_micros($as_of) AS is_followed
    FROM population
),
ends AS (
    SELECT
        keys,
        waited_us,
        count(*) AS n_questions,
        count(*) FILTER (WHERE is_answered) AS n_answered,
        count(*) FILTER (WHERE NOT is_answered) AS n_waiting,
        count(*) FILTER (WHERE is_followed) AS n_followed,
        count(*) FILTER (WHERE is_followed AND is_answered AND waited_us <= $hours * 3.6e9)
            AS n_in_time
    FROM waits
    GROUP BY keys, waited_us
),
at_risk AS (
    SELECT
        *,
        sum(n_questions) OVER (
            PARTITION BY keys ORDER BY waited_us NULLS LAST
            ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
        ) AS n_at_risk
    FROM ends
),
waiting AS (
    SELECT
        *,
        sum(CASE WHEN n_answered < n_at_risk THEN ln(1 - n_answered / nullif(n_at_risk, 0)) END)
            OVER so_far AS log_share,
        max(CASE WHEN n_answered = n_at_risk THEN 1 ELSE 0 END) OVER so_far AS is_over
    FROM at_risk
    WINDOW so_far AS (
        PARTITION BY keys ORDER BY waited_us NULLS LAST
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    )
)
SELECT
    keys,
    CAST(sum(n_questions) AS BIGINT) AS n_questions,
    CAST(sum(n_answered) AS BIGINT) AS n_answered,
    CAST(sum(n_waiting) AS BIGINT) AS n_waiting,
    CAST(sum(n_followed) AS BIGINT) AS n_followed,
    CAST(sum(n_in_time) AS BIGINT) AS n_in_time,
    min(CASE WHEN is_over = 1 OR exp(log_share) <= 0.5 + 1e-12 THEN waited_us END) / 3.6e9
        AS median_hours_to_reply,
    min(CASE WHEN is_over = 1 OR exp(log_share) <= 0.1 + 1e-12 THEN waited_us END) / 3.6e9
        AS p90_hours_to_reply
FROM waiting
GROUP BY keys
