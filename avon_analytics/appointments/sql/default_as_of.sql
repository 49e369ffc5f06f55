-- One row: the instant that figures are computed as of unless another is asked for. It is the
-- newest instant in the store that is not more than 24 hours after its own receipt, so that one
-- event dated by a wrong clock does not carry all figures into the future. Events without a
-- receipt count.
SELECT max(occurred_at) AS as_of
FROM events
WHERE received_at IS NULL OR unix_micros(occurred_at) <= unix_micros(received_at) + 86400000000
