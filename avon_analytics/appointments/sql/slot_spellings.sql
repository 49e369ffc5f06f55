-- One row is one spelling of a status word that the store holds, as an event's name or a status,
-- with a number that stands for it in the steps below.
WITH spelled AS (
    SELECT substr(event, 13) AS source_word
    FROM appointments_versions
    WHERE event LIKE 'appointment.%'
    UNION
    SELECT status
    FROM appointment_status_history_versions
    UNION
    SELECT word
    FROM slot_words
)
SELECT
    CAST(row_number() OVER (ORDER BY s.source_word) AS INT) AS spelling,
    s.source_word,
    w.word,
    w.word_rank
FROM spelled AS s
INNER JOIN slot_words AS w
    -- Of these letters the engines make other small ones, each in its way.
    ON translate(
        lower(translate(s.source_word, 'IİΣς', 'iiσσ')),
        concat(' _-.', chr(9), chr(10), chr(13), chr(160)),
        ''
    ) = w.spelling
