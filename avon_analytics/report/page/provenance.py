"""Tables of what was verified: the files of the archive, words and codes with what they mean."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import pandas as pd

from avon_analytics.intake.read.codes import meaning
from avon_analytics.report.html.table import Line, Table, cells_of, columns_of
from avon_analytics.report.page.content import Provenance
from avon_analytics.report.tables.rows import largest, rows_of
from avon_analytics.report.words.headings import heading
from avon_analytics.report.words.numbers import MISSING, is_missing, number, plural
from avon_analytics.report.words.paths import shortened
from avon_analytics.report.words.text import capital, plain

MOST_FILES = 20
MOST_ROWS = 30
FILE_COLUMNS = {
    "lines": "count",
    "loaded": "count",
    "duplicate": "count",
    "quarantined": "count",
    "sha256": "code",
}


def provenance_tables(provenance: Provenance) -> dict[str, Table]:
    """The tables of what was verified, by name."""
    return {
        "signatures": explained(
            provenance.events_by_signature,
            "Events by what their signature proved",
            "signature",
            "n_events",
        ),
        "secrets": listing(
            provenance.events_by_secret,
            "Verified events by the secret that matched",
            {"secret": "text", "n_events": "count"},
        ),
        "quarantine": explained(
            provenance.quarantined_by_code, "Lines in quarantine by reason", "code", "n_lines"
        ),
        "drift": listing(
            drift_in_words(provenance.drift),
            "What this version does not know",
            {"path": "text", "kind": "text", "json_type": "text", "n_seen": "count"},
        ),
        "files": archive_files(provenance.archive_files),
    }


def archive_files(files: pd.DataFrame) -> Table:
    """The first files one by one, the rest as one row; the folder that all share is left out."""
    names = shortened([str(name) for name in files["file"]], 100)[:MOST_FILES]
    rows = [
        Line(plain(name, 160), cells_of(row, FILE_COLUMNS))
        for name, row in zip(names, rows_of(files.head(MOST_FILES)), strict=True)
    ]
    rest = files.iloc[MOST_FILES:]
    if len(rest):
        counts = {name: rest[name].sum() for name, kind in FILE_COLUMNS.items() if kind == "count"}
        more = Line(
            f"and {plural(len(rest), 'more file', 'more files')}",
            cells_of({**counts, "sha256": "in the combined digest"}, FILE_COLUMNS),
            "sum",
        )
        rows.append(more)
    return Table("Archive files", "File", columns_of(FILE_COLUMNS), rows)


def combined_digest(files: pd.DataFrame) -> str:
    """SHA-256 over the sorted lines ``<sha256>  <file>``, each with a newline; "" for no files.

    ``sha256sum FILE… | sort | sha256sum`` in the C locale gives the same.
    """
    pairs = zip(files["sha256"], files["file"], strict=True)
    lines = sorted(
        f"{digest}  {name}\n".encode("utf-8", "surrogateescape") for digest, name in pairs
    )
    return hashlib.sha256(b"".join(lines)).hexdigest() if lines else ""


def drift_in_words(drift: pd.DataFrame) -> pd.DataFrame:
    """Of what the contract does not know, kinds and JSON types in words."""
    kinds = drift["kind"].str.replace("_", " ")
    types = [
        MISSING if is_missing(one) else _TYPES.get(one, "number") for one in drift["json_type"]
    ]
    return drift.assign(kind=kinds, json_type=types)


_TYPES = {
    "OBJECT": "object",
    "ARRAY": "list",
    "VARCHAR": "text",
    "BOOLEAN": "yes or no",
    "NULL": "null",
}
"""JSON types as the engine calls them, in words; the others are kinds of numbers."""


def explained(frame: pd.DataFrame, caption: str, word: str, counted: str) -> Table:
    """Counts by a signature word or a quarantine code: what it means, and the word itself."""
    columns = {"meaning": "text", word: "text", counted: "count"}
    meanings = [capital(meaning(one) or str(one)) for one in frame[word]]
    return listing(frame.assign(meaning=meanings), caption, columns)


def listing(frame: pd.DataFrame, caption: str, columns: Mapping[str, str]) -> Table:
    """Any short list: its first column names the row, the most frequent ``MOST_ROWS`` are shown."""
    first, *others = columns
    last = others[-1]
    shown, rest = largest(rows_of(frame), last, MOST_ROWS)
    lines = [Line(plain(row.get(first), 160), cells_of(row, columns, others)) for row in shown]
    if rest:
        blank = dict.fromkeys(others, "")
        more = {**blank, last: sum(number(row.get(last)) or 0 for row in rest)}
        lines.append(Line(f"and {len(rest):,} more", cells_of(more, columns, others), "sum"))
    return Table(
        caption, heading(first), columns_of({name: columns[name] for name in others}), lines
    )
