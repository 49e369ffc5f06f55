-- One row is one group and period of slots, due or not, and how many of them were moved to another
-- start, whatever their outcome. A shift is positive when later; the notice is that of the move.
-- Reads `population`.
WITH moves AS (
    SELECT
        *,
        (unix_micros(moved_to_at) - unix_micros(start_at)) / 3.6e9 AS shift_hours,
        (unix_micros(start_at) - unix_micros(moved_at)) / 3.6e9 AS move_notice_hours
    FROM population
)
SELECT
    keys,
    count(*) AS n_slots,
    count(*) FILTER (WHERE is_superseded) AS n_superseded,
    count(*) FILTER (WHERE is_superseded AND shift_hours < 0) AS n_moved_earlier,
    count(*) FILTER (WHERE is_superseded AND shift_hours > 0) AS n_moved_later,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY shift_hours)
        FILTER (WHERE is_superseded) AS median_shift_hours,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY move_notice_hours)
        FILTER (WHERE is_superseded) AS median_notice_hours
FROM moves
GROUP BY keys
