"""What tests ask of a frame, with the types that they need: a column's name is a string here."""

from __future__ import annotations

from typing import Any

import pandas as pd


def column_names(rows: pd.DataFrame) -> list[str]:
    """The names of the columns."""
    return [str(name) for name in rows.columns]


def plain(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with None for whatever is missing."""
    return rows.astype(object).where(rows.notna(), None)


def records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Each row by the names of its columns."""
    return [{str(name): value for name, value in row.items()} for row in rows.to_dict("records")]


def only(rows: pd.DataFrame) -> dict[str, Any]:
    """The only row there is."""
    (row,) = records(rows)
    return row
