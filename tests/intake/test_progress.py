"""How far a load has come, as it reports it itself."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import avon_analytics as avon
from avon_analytics import api
from avon_analytics.intake.load import Progress, load
from avon_analytics.intake.read import read_lines, reader
from avon_analytics.intake.write import read_ahead
from avon_analytics.store.database import Database

if TYPE_CHECKING:
    from tests.intake.conftest import Archive


def test_lines_are_counted_while_the_first_files_are_read(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small files are stored together, so no file is done for long."""
    read = reader.LineReader.read

    def slowly(self: Any, contents: Any, **how: Any) -> Any:
        time.sleep(0.01)
        return read(self, contents, **how)

    monkeypatch.setattr(reader.LineReader, "read", slowly)
    monkeypatch.setattr(read_lines, "READ_AT_A_TIME", 1)
    monkeypatch.setattr(read_ahead, "LOOK_SECONDS", 0.005)
    path = archive.write(*(archive.raw(archive.patient(ms)) for ms in range(20)))
    seen: list[Progress] = []
    load(Database(tmp_path / "a.duckdb"), path, policy="skip", on_progress=seen.append)
    lines = [one.lines for one in seen]
    assert lines == sorted(lines)
    assert any(0 < one.lines < 20 and one.files_done == 0 for one in seen)
    assert (seen[-1].lines, seen[-1].files_done, seen[-1].bytes_done) == (20, 1, seen[-1].bytes)


def test_who_asks_for_no_progress_sees_none(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "shown", lambda: pytest.fail("it was shown"))
    path = archive.write(archive.raw(archive.patient(1)))
    with avon.open(tmp_path / "a.duckdb") as store:
        assert store.load(path, policy="skip", progress=False).loaded == 1
