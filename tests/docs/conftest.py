"""A folder like a reader's: the sample at hand, and loaded once for all tests of the docs."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

import avon_analytics as avon
from tests.conftest import keep_slots

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Desk:
    """A reader's folder. The stores that examples name are copies of one loaded store."""

    folder: Path
    receipt: str

    def store(self, name: str) -> Path:
        """A store of the loaded sample, under the name that an example opens."""
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        shutil.copy(self.folder / "loaded.duckdb", path)
        return path


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    folder = tmp_path_factory.mktemp("desk")
    (folder / "data").mkdir()
    (folder / "data" / "sample").symlink_to(ROOT / "data" / "sample")
    before = Path.cwd()
    os.chdir(folder)
    try:
        with avon.open("loaded.duckdb") as store:
            receipt = store.load("data/sample/archive", secrets=Path("data/sample/secrets.toml"))
        keep_slots(Path("loaded.duckdb"))  # each example opens it anew
    finally:
        os.chdir(before)
    return Desk(folder, str(receipt))


@pytest.fixture
def at_desk(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """The reader's folder as the working directory."""
    monkeypatch.chdir(desk.folder)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.delenv("AVON_WEBHOOK_SECRET", raising=False)
    return desk
