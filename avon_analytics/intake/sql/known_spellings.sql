-- Events that are told anew, as `handed`.
UPDATE events AS e
SET body_digest = h.body_digest, extra = h.extra
FROM handed AS h
WHERE e.event_id = h.event_id
