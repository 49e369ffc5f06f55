"""The statements in ``intake/write/sql``."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


def statement(name: str, **constants: str) -> str:
    """A statement of ``intake/write/sql``, its placeholders filled with constants of the code."""
    text = _text(name)
    return text.format(**constants) if constants else text


@cache
def _text(name: str) -> str:
    return files("avon_analytics.intake.write").joinpath("sql", f"{name}.sql").read_text("utf-8")
