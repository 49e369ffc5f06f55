"""The statements in ``intake/write/sql``."""

from __future__ import annotations

from importlib.resources import files


def statement(name: str, **constants: str) -> str:
    """A statement of ``intake/write/sql``, its placeholders filled with constants of the code."""
    text = files("avon_analytics.intake.write").joinpath("sql", f"{name}.sql").read_text("utf-8")
    return text.format(**constants) if constants else text
