"""Checking the signatures of an archive without a store."""

from __future__ import annotations

from collections import Counter

import pandas as pd

from avon_analytics.errors import ArchiveError, MissingSecret
from avon_analytics.intake.archive.files import Paths, find_files
from avon_analytics.intake.archive.lines import LineReader
from avon_analytics.intake.signature import HOW_TO_GIVE_A_SECRET, Secrets, SecretsLike
from avon_analytics.intake.stage import Stage
from avon_analytics.store.database import MEMORY, Database

WORDS = ("verified", "mismatch", "unsigned", "unverifiable", "unreadable")


def verify_archive(paths: Paths, secrets: SecretsLike = None) -> pd.DataFrame:
    """How many lines of each file carry a right signature; nothing is written.

    One row per file: ``file``, ``n_lines`` (without blank ones), then one count (int64) for each
    word: ``verified``, ``mismatch``, ``unsigned``, ``unverifiable`` and ``unreadable`` (a line
    that is no delivery). ``.attrs["secrets"]`` names the secrets that were tried.

    Raises MissingSecret without a secret, ArchiveError for a path that cannot be read.
    """
    try:
        given = Secrets.read(secrets)
    except MissingSecret:
        # Unlike a load, this cannot do without one.
        raise MissingSecret(f"no webhook secret was given: {HOW_TO_GIVE_A_SECRET}") from None
    found = find_files(paths)
    if not found.files:
        raise ArchiveError("the given folders hold no archive file")
    database = Database(MEMORY)
    rows = []
    with database.reading() as connection:
        stage = Stage(connection.cursor(), "require", given)
        for file in found.files:
            words: Counter[str] = Counter()
            reader = LineReader(file.path)
            try:
                for batch in reader.batches():
                    words.update(stage.words(batch))
            finally:
                reader.close()
            rows.append((file.path, sum(words.values()), *(words[word] for word in WORDS)))
    database.close()
    data = pd.DataFrame(rows, columns=["file", "n_lines", *WORDS])
    data = data.astype({"file": "str"} | dict.fromkeys(("n_lines", *WORDS), "int64"))
    data.attrs["secrets"] = list(given.names)
    return data
