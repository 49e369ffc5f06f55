"""What several tests share: the sample clinic, loaded once, and a tiny clinic that is quick."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

import avon_analytics as avon

SAMPLE = Path(__file__).parent.parent / "data" / "sample"


@dataclass(frozen=True)
class Loaded:
    """A clinic's folder, the store that it was loaded into, and the receipt of that load."""

    root: Path
    db: Path
    receipt: avon.Receipt

    @property
    def archive(self) -> Path:
        return self.root / "archive"

    @property
    def secrets(self) -> Path:
        return self.root / "secrets.toml"

    def copy(self, to: Path) -> Path:
        """A store of one's own."""
        shutil.copyfile(self.db, to)
        return to


def _load(root: Path, folder: Path) -> Loaded:
    db = folder / "clinic.duckdb"
    with avon.open(db) as store:
        receipt = store.load(root / "archive", secrets=root / "secrets.toml", progress=False)
    return Loaded(root, db, receipt)


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """The sample that comes with the package. Its store is shared: copy it to write into it."""
    return _load(SAMPLE, tmp_path_factory.mktemp("sample"))


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """A clinic of 30 appointments in the same 22 files. Its store is shared as well."""
    root = tmp_path_factory.mktemp("tiny") / "clinic"
    avon.write_sample(root, n_appointments=30, seed=7, mishap_every=9)
    return _load(root, root.parent)
