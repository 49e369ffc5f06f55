-- One row is one time zone that the engine knows; any other name in a payload is passed over.
SELECT name AS zone
FROM pg_timezone_names()
