"""What every group of commands needs: its examples in the help, and the store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from avon_analytics.api import Store

DB = Path("avon.duckdb")
QUARANTINED = 3


def example(*lines: str) -> str:
    """The examples below a command's help, each on a line that can be copied."""
    word = "Example" if len(lines) == 1 else "Examples"
    return "\n".join([f"{word}:", *(f"  avon-analytics {line}" for line in lines)])


def open_store(db: Path, time_zone: str | None = None) -> Store:
    """The store; the engine is imported only now."""
    from avon_analytics.api import open as open_store

    return open_store(db, time_zone=time_zone)
