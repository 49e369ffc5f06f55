"""Few rows of a large table: found by what is asked of them, and only then read whole."""

from __future__ import annotations


def rows_where(table: str, condition: str, columns: str = "*") -> str:
    """SQL for the rows of a stored table that meet a condition.

    A join reads all wanted columns of every row that it looks through. So the places of the rows
    are found first, by the columns of the condition alone.
    """
    places = f"SELECT rowid FROM {table} WHERE {condition}"
    return f"SELECT {columns} FROM {table} WHERE rowid IN ({places})"
