"""A store is copied where the engine's memory holds nothing of what was deleted."""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb
import pytest

from avon_analytics.store import clean_copy
from avon_analytics.store.connection import engine_config
from tests.conftest import Loaded

MARK = b"MARKQUIX"
PIECES = [(MARK + MARK)[at : at + 4] for at in range(len(MARK))]
# The same switches of both allocators, to fill what they hand out with this byte.
FILLED = {"DUCKDB_JE_MALLOC_CONF": "junk:true", "MALLOC_PERTURB_": str(0xA5 ^ 0xFF)}
FILL = [b"\xa5" * 4]


def copied(store: Path, copy: Path, pieces: list[bytes]) -> int:
    """How many of these pieces stand in a copy that was made where memory was full of a mark."""
    statements = [
        "CREATE TABLE deleted AS "
        f"SELECT repeat('{MARK.decode()}', 200) || n AS text FROM range(60000) AS r(n)",
        "DROP TABLE deleted",
        f"ATTACH '{store}' AS store (READ_ONLY)",
        f"ATTACH '{copy}' AS fresh",
        "COPY FROM DATABASE store TO fresh",
        "DETACH fresh",
    ]
    assert clean_copy.run_apart(engine_config(1, None), statements)
    content = copy.read_bytes()
    return sum(content.count(piece) for piece in pieces)


@pytest.mark.skipif(sys.platform != "linux", reason="the allocator of the builds for Linux")
def test_no_gap_between_columns_holds_what_stood_in_memory(
    sample: Loaded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [copied(sample.db, tmp_path / f"{n}.duckdb", PIECES + FILL) for n in range(4)] == [0] * 4
    # Gaps there are, and they hold what the allocator was told to put there. (Whether a mark
    # stands in them without any such word hangs on where the memory lay.)
    monkeypatch.setattr(clean_copy, "CLEARED", FILLED)
    assert copied(sample.db, tmp_path / "filled.duckdb", FILL) > 0


def test_what_the_engine_raises_there_is_raised_here(tmp_path: Path) -> None:
    missing = f"ATTACH '{tmp_path / 'missing.duckdb'}' AS store (READ_ONLY)"
    with pytest.raises(duckdb.IOException, match="missing"):
        clean_copy.run_apart(engine_config(1, None), [missing])


@pytest.mark.parametrize("program", ["", "/nowhere/python3", "/usr/bin/host-of-python"])
def test_where_no_python_can_be_started_it_is_said(
    program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", program)
    assert not clean_copy.run_apart(engine_config(1, None), ["SELECT 1"])
