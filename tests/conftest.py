"""What several tests share: the sample clinic, loaded once, and a tiny clinic that is quick.

Also the order of the suite and how it is shared out among processes.
"""

from __future__ import annotations

import os
import pickle
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

import avon_analytics as avon
from avon_analytics.appointments.slots import slots, stored_slots

# Charts import jsonschema, which would make 38 grammars for a check that nobody asks for: a second.
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
# Hundreds of processes are started: numpy's threads would wait busily in each.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

TESTS = Path(__file__).parent
SAMPLE = TESTS.parent / "data" / "sample"

# What takes longest goes first, so that no process is left alone with it in the end.
FIRST = (
    *("spark", "cli", "intake", "seen", "docs", "receive", "samples"),
    *("test_benchmarks.py", "appointments"),
)
MARKED = {"spark": "spark", "seen": "browser"}


def _folder(path: Path) -> str:
    """The folder of ``tests`` that a test stands in, or its file where it stands in none."""
    return path.relative_to(TESTS).parts[0]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the tests by folder, and mark those of folders that a developer can leave out."""
    ranks = {folder: rank for rank, folder in enumerate(FIRST)}
    items.sort(key=lambda item: ranks.get(_folder(item.path), len(FIRST)))
    for item in items:
        if mark := MARKED.get(_folder(item.path)):
            item.add_marker(mark)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Share out whole files, in their order; those of Spark to one process, which has a cluster."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):  # type: ignore[misc] # xdist has no types
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return "tests/spark" if file.startswith("tests/spark/") else file

    if config.getvalue("dist") != "loadfile":
        return None
    config.option.loadscopereorder = False  # by the number of tests, whatever they take
    return Scheduling(config, log)


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


def keep_slots(db: Path) -> None:
    """Have a store keep its slots as a large one does: each process would compute them anew."""
    with pytest.MonkeyPatch.context() as patch, avon.open(db) as store:
        patch.setattr(stored_slots, "FROM", 1)
        slots.keep_slots(store._database)


def _load(root: Path, folder: Path) -> Loaded:
    db = folder / "clinic.duckdb"
    with avon.open(db) as store:
        receipt = store.load(root / "archive", secrets=root / "secrets.toml", progress=False)
    return Loaded(root, db, receipt)


def _made_once(
    factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Loaded]
) -> Loaded:
    """What ``make`` makes in a folder: once in a run, in whichever of its processes needs it first.

    The others wait for it and take a copy of the store. One that has waited for minutes makes its
    own.
    """
    base = factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    made = folder / "made.pickle"
    try:
        folder.mkdir()
    except FileExistsError:
        for _ in range(3000):
            if made.exists():
                found: Loaded = pickle.loads(made.read_bytes())
                return replace(found, db=found.copy(factory.mktemp(name) / found.db.name))
            time.sleep(0.1)
        return make(factory.mktemp(name))
    loaded = make(folder)
    part = made.with_suffix(".part")
    part.write_bytes(pickle.dumps(loaded))
    part.rename(made)
    return loaded


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """The sample that comes with the package. Its store is shared: copy it to write into it."""
    return _made_once(tmp_path_factory, "sample", lambda folder: _load(SAMPLE, folder))


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """A clinic of 30 appointments in the same 22 files. Its store is shared as well."""

    def make(folder: Path) -> Loaded:
        root = folder / "clinic"
        avon.write_sample(root, n_appointments=30, seed=7, mishap_every=9)
        return _load(root, folder)

    return _made_once(tmp_path_factory, "tiny", make)


@pytest.fixture
def hears_hangups() -> Iterator[None]:
    """Processes that are started hear that their terminal is closed, also under ``nohup``."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)
