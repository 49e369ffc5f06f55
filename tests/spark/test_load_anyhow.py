"""Loads on a cluster depend on the set of lines alone, as those of one machine do.

The tasks run here in one process; ``test_load.py`` runs them on a cluster.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import avon_analytics as avon

pytest.importorskip("pyspark")

from avon_analytics import spark
from tests.conftest import Loaded
from tests.intake.conftest import SECRET, Archive, Desk
from tests.spark.one_process import OneProcess
from tests.spark.same import assert_same

SECRETS = {"first": "one", "second": "two"}


class Lake:
    """A lake that is loaded like a desk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load(self, *paths: Path | str, **how: Any) -> Any:
        if how.get("policy") != "skip":
            how.setdefault("secrets", SECRET)
        how.setdefault("buckets", 3)
        receipt = spark.load(OneProcess(), list(paths), self.folder, **how)  # type: ignore[arg-type]
        Desk.check_receipt(receipt)
        return receipt


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive")


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


@pytest.fixture
def desk(archive: Archive) -> Any:
    desk = Desk(archive)
    yield desk
    desk.store.close()


def both(lake: Lake, desk: Desk, *paths: Path | str, **how: Any) -> Any:
    """Load the same on both; the receipts must be the same."""
    ours = {name: how.pop(name) for name in ("buckets", "share_bytes") if name in how}
    receipt = lake.load(*paths, **ours, **how)
    assert receipt == desk.load(*paths, **how)
    return receipt


def test_the_sample_in_one_process(sample: Loaded, lake: Lake) -> None:
    assert lake.load(sample.archive, secrets=sample.secrets) == sample.receipt
    with avon.open(sample.db) as store:
        assert_same(lake.folder, store)


def test_loading_again_changes_nothing(tiny: Loaded, lake: Lake, desk: Desk) -> None:
    for how in ({}, {}, {"recheck": True}, {"recheck": True, "buckets": 2}):
        both(lake, desk, tiny.archive, secrets=tiny.secrets, **how)
        assert_same(lake.folder, desk.store)


def test_parts_one_after_another(tiny: Loaded, lake: Lake, desk: Desk) -> None:
    files = sorted(path for path in tiny.archive.rglob("*") if path.is_file())
    for path in files[::-2] + files:
        if path.suffix != ".log":
            both(lake, desk, path, secrets=tiny.secrets)
    assert_same(lake.folder, desk.store)


def test_another_secret_is_tried_on_the_quarantine(
    archive: Archive, lake: Lake, desk: Desk
) -> None:
    one = [archive.raw(archive.patient(ms), secret="one") for ms in range(9)]
    two = [archive.raw(archive.patient(ms), secret="two") for ms in range(5, 20)]
    paths = [archive.write(*lines) for lines in (one, two)]
    both(lake, desk, *paths, secrets={"first": "one"})
    receipt = both(lake, desk, *paths, secrets={"first": "one", "second": "two"})
    assert (receipt.loaded, receipt.duplicate) == (11, 4)
    assert "15 lines from the quarantine are believed now" in str(receipt)
    assert_same(lake.folder, desk.store)
