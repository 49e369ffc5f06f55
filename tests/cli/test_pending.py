"""Files that end in the middle of a delivery, as the commands tell of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

QUARANTINED = 3


@pytest.fixture
def ends(run: Any, tiny: Any) -> Path:
    """A file whose last delivery is cut, and that is read otherwise without a fault."""
    whole = next(tiny.archive.rglob("2025-11-webhooks.jsonl")).read_bytes().splitlines(True)
    path: Path = run.folder / "cut.jsonl"
    good = next(line for line in whole if line.startswith(b'{"') and line.count(b"\n") == 1)
    path.write_bytes(good + good[:77])
    return path


def test_every_load_names_them_and_strict_counts_them(run: Any, tiny: Any, ends: Path) -> None:
    sentence = "it ends in the middle of a delivery: its last 77 bytes are not loaded"
    for _ in range(2):
        told = run("load", ends, "--secrets-file", tiny.secrets)
        assert (told.code, sentence in told.out) == (0, True)
        assert ends.name in told.out
        assert run("load", ends, "--secrets-file", tiny.secrets, "--strict").code == QUARANTINED
    pending = run("load", ends, "--secrets-file", tiny.secrets, "--json").json()["pending"]
    assert pending == {str(ends): 77}


def test_verify_names_them(run: Any, tiny: Any, ends: Path) -> None:
    told = run("verify", ends, "--secrets-file", tiny.secrets, "--format", "json")
    assert [row["pending_bytes"] for row in told.json()] == [77]
    assert (told.code, "its last 77 bytes" in told.err) == (0, True)
    assert run("verify", ends, "--secrets-file", tiny.secrets, "--strict").code == QUARANTINED


def test_a_page_names_them(run: Any, tiny: Any, ends: Path) -> None:
    assert run("load", ends, "--secrets-file", tiny.secrets).code == 0
    assert run("report", "--out", "page.html").code == 0
    page = (run.folder / "page.html").read_text("utf-8")
    assert "1 file ends in the middle of a delivery" in page
    assert "cut.jsonl (77 bytes)" in page
    assert "pending_bytes" in (run.folder / "page.files.csv").read_text("utf-8").splitlines()[0]
