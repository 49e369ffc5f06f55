-- One row: the settings that every step below shares.
-- Parameters: $as_of (instant), $grace_hours, $late_hours (numbers), $is_same_day (flag),
-- $time_zone (the store's).
SELECT
    $as_of AS as_of,
    $grace_hours AS grace_hours,
    $late_hours AS late_hours,
    $is_same_day AS is_same_day,
    $time_zone AS time_zone
