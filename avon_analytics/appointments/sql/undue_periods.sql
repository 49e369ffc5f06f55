-- One row is one period in which slots start that are not due. Reads `population`.
SELECT keys
FROM population
WHERE NOT is_due
GROUP BY keys
