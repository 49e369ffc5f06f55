-- One row is one period in which slots start that are not due, and how many they are.
-- Reads `population`.
SELECT keys, count(*) AS n_undue
FROM population
WHERE NOT is_due
GROUP BY keys
