"""Checking the signatures of an archive without a store."""

from __future__ import annotations

from collections import Counter

import pandas as pd

from avon_analytics.intake.archive.files import Paths, find_some_files
from avon_analytics.intake.archive.lines import FileReader
from avon_analytics.intake.read.reader import LineReader, read_batch
from avon_analytics.intake.read.signature import Secrets, SecretsLike

WORDS = ("verified", "mismatch", "unsigned", "unverifiable", "unreadable")
_COUNTS = ("n_lines", *WORDS, "pending_bytes")


def verify_archive(paths: Paths, secrets: SecretsLike = None) -> pd.DataFrame:
    """How many lines of each file carry a right signature; nothing is written.

    One row per file: ``file``, ``n_lines`` (without blank ones), then one count (int64) for each
    word: ``verified``, ``mismatch``, ``unsigned``, ``unverifiable`` and ``unreadable`` (a line
    that is no delivery), and ``pending_bytes`` of a delivery in the middle of which the file ends;
    they are in no other count. ``.attrs["secrets"]`` names the secrets that were tried, and
    ``.attrs["notes"]`` has a sentence for each file that is of another kind.

    Raises MissingSecret without a secret, ArchiveError for a path that cannot be read,
    UsageError for a store.
    """
    found = find_some_files(paths)
    given = Secrets.read(secrets, may_skip=False)
    lines = LineReader("record", given, only_signatures=True)
    rows, notes = [], {}
    for file in found.files:
        words: Counter[str] = Counter()
        reader = FileReader(file.path, url=file.url)
        try:
            for batch in reader.batches():
                words["unreadable"] += len(batch.long_lines)
                for line in read_batch(lines, batch)[2]:
                    words[line.word or "unreadable"] += 1
        finally:
            reader.close()
        counts = (sum(words.values()), *(words[word] for word in WORDS))
        rows.append((file.path, *counts, reader.pending_bytes))
        if reader.hint and words["unreadable"]:
            notes[file.path] = reader.hint
    data = pd.DataFrame(rows, columns=["file", *_COUNTS])
    data = data.astype({"file": "str"} | dict.fromkeys(_COUNTS, "int64"))
    data.attrs["secrets"] = list(given.names)
    data.attrs["notes"] = notes
    return data
