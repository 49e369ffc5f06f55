-- One row per event that the store has in another spelling than the one that tells it from now on.
SELECT c.event_id, t.body_digest, {extra} AS extra
FROM classes AS c
JOIN tellings AS t ON t.nth = c.told_nth
WHERE c.is_told_anew
