"""Loads on a cluster depend on the set of lines alone, as those of one machine do.

The tasks run here in one process; ``test_load.py`` runs them on a cluster.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import avon_analytics as avon
from avon_analytics.errors import DamagedFile, MissingSecret, StoreError, UsageError
from avon_analytics.store.lake import newest_state

pytest.importorskip("pyspark")

from avon_analytics import spark
from tests.conftest import Loaded
from tests.intake.conftest import SECRET, Archive, Asked, Desk
from tests.intake.test_any_order import JUNK, KINDS, check, deliveries
from tests.spark.one_process import OneProcess
from tests.spark.same import assert_same


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


def test_parts_one_after_another_and_overlapping(tiny: Loaded, lake: Lake, desk: Desk) -> None:
    files = [path for path in sorted(tiny.archive.rglob("*.*")) if path.suffix != ".log"]
    for some in (files[::-3], files[5:14], files):
        both(lake, desk, *some, secrets=tiny.secrets)
    assert_same(lake.folder, desk.store)


def test_a_lake_written_from_a_store_is_loaded_further(
    tiny: Loaded, archive: Archive, lake: Lake, tmp_path: Path
) -> None:
    desk = Desk(archive, tmp_path / "store.duckdb")
    desk.load(tiny.archive / "2024", secrets=tiny.secrets)
    desk.store.write_lake(lake.folder)
    both(lake, desk, tiny.archive, secrets=tiny.secrets, buckets=2)
    assert_same(lake.folder, desk.store)


def test_files_stay_unless_an_event_in_them_is_told_again(
    archive: Archive, lake: Lake, desk: Desk
) -> None:
    january, march = 1_736_500_000_000, 1_741_600_000_000
    old = [archive.raw(archive.patient(january + ms)) for ms in range(20)]
    both(lake, desk, archive.write(*old))
    before = paths_of(lake)
    for night in range(12):
        new = [archive.raw(archive.patient(march + 9 * night + ms)) for ms in range(9)]
        both(lake, desk, archive.write(*new))
    assert before["people_versions"] <= paths_of(lake)["people_versions"]
    state = newest_state(lake.folder)
    assert state is not None
    n_files = max(len(files) for months in state.tables.values() for files in months.values())
    assert 3 < n_files <= 8 * 3  # in each of three buckets
    assert_same(lake.folder, desk.store)
    both(lake, desk, archive.write(old[0]))
    assert len(before["people_versions"] - paths_of(lake)["people_versions"]) == 1
    assert_same(lake.folder, desk.store)


def paths_of(lake: Lake) -> dict[str, set[str]]:
    """The files of each table."""
    state = newest_state(lake.folder)
    assert state is not None
    return {table: set(state.files(table)) for table in state.tables}


def test_another_secret_is_tried_on_the_quarantine(
    archive: Archive, lake: Lake, desk: Desk
) -> None:
    one = [archive.raw(archive.patient(ms), secret="one") for ms in range(9)]
    two = [archive.raw(archive.patient(ms), secret="two") for ms in range(5, 20)]
    paths = [archive.write(*lines) for lines in (one, two)]
    both(lake, desk, *paths, secrets={"first": "one"})
    receipt = both(lake, desk, *paths, secrets={"first": "one", "second": "two"})
    assert (receipt.loaded, receipt.duplicate) == (11, 4)
    assert "15 lines from the quarantine are trusted now" in str(receipt)
    assert_same(lake.folder, desk.store)


def test_a_file_has_grown_whose_quarantined_lines_are_trusted_now(
    archive: Archive, lake: Lake, desk: Desk
) -> None:
    path = archive.write(archive.raw(archive.patient(1), secret="other"))
    both(lake, desk, path)
    with path.open("a") as file:
        file.write(f"\n\n{archive.raw(archive.patient(2))}\n")
    receipt = both(lake, desk, path, secrets={"one": SECRET, "other": "other"})
    assert (receipt.lines, receipt.blank, receipt.loaded) == (4, 2, 2)
    assert_same(lake.folder, desk.store)


def test_another_secret_is_tried_on_lines_that_stand_behind_a_password(
    archive: Archive, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A limited lake keeps no line: each is read again where it stands."""
    memory = pytest.importorskip("fsspec").filesystem("memory")
    lines = [archive.raw(archive.patient(ms), secret="two") for ms in range(5)]
    memory.pipe("/x/a.jsonl", "\n".join(lines).encode())

    def file_system(url: str) -> tuple[Any, str]:
        assert "ann:pw@" in url
        return memory, "/" + url.partition("@host/")[2]

    monkeypatch.setattr("avon_analytics.intake.archive.remote.file_system", file_system)
    for secrets, n_loaded in (({"a": "one"}, 0), ({"a": "one", "b": "two"}, 5)):
        receipt = lake.load("sftp://ann:pw@host/x", secrets=secrets, privacy="limited")
        assert receipt.loaded == n_loaded
    memory.rm("/x", recursive=True)


def test_a_plain_file_is_cut_at_line_ends(archive: Archive, lake: Lake, desk: Desk) -> None:
    """Sections of a file count its lines and tell its digest as a reader of all of it does."""
    lines = [archive.raw(archive.patient(ms, first_name="é" * (ms % 7))) for ms in range(400)]
    lines[7:7] = ["", "{", "   "]
    whole = archive.write(*lines)
    pending = archive.write(*lines[:200], last=b'\n{"headers": ')
    marked = archive.write(*[b"\xef\xbb\xbf" + line.encode() for line in lines], end=b"\r\n")
    receipt = both(lake, desk, whole, pending, marked, share_bytes=5000)
    assert receipt.files[1].pending_bytes == 12
    assert_same(lake.folder, desk.store)


def test_a_line_over_the_limit_is_set_aside_and_measured_again(
    archive: Archive, lake: Lake, desk: Desk
) -> None:
    path = archive.write(*(archive.raw(archive.patient(ms)) for ms in range(3)), last=b"")
    for more in (b"\n" + b"x" * 5000, b"y" * 6000, b"\n" + b"z" * 3000 + b"\n"):
        with path.open("ab") as file:
            file.write(more)
        both(lake, desk, path, line_limit=2000)
        assert_same(lake.folder, desk.store)


def test_a_file_that_grew_or_changed(archive: Archive, lake: Lake, desk: Desk) -> None:
    lines = [archive.raw(archive.patient(ms)) for ms in range(30)]
    path = archive.write(*lines[:10])
    both(lake, desk, path)
    with path.open("a") as file:
        file.write("\n".join(lines[8:20]) + "\n")
    both(lake, desk, path)
    path.write_text("\n".join(lines[15:]) + "\n")
    receipt = both(lake, desk, path)
    assert "its earlier part has changed" in str(receipt)
    assert_same(lake.folder, desk.store)


def test_a_damaged_file_stops_the_load_or_is_read_in_part(
    archive: Archive, lake: Lake, desk: Desk
) -> None:
    lines = "\n".join(archive.raw(archive.patient(ms)) for ms in range(300))
    path = archive.write(b"", name="a.jsonl.gz")
    path.write_bytes(gzip.compress(lines.encode())[:-4000])
    with pytest.raises(DamagedFile, match="nothing was loaded"):
        lake.load(path)
    assert newest_state(lake.folder) is None
    both(lake, desk, path, allow_truncated=True)
    path.write_bytes(gzip.compress(lines.encode()))
    both(lake, desk, path)
    assert_same(lake.folder, desk.store)


@pytest.mark.parametrize("policy", ["record", "skip"])
def test_other_policies(tiny: Loaded, lake: Lake, desk: Desk, policy: str) -> None:
    how = {"secrets": tiny.secrets} if policy == "record" else {}
    both(lake, desk, tiny.archive, policy=policy, **how)
    assert_same(lake.folder, desk.store)


def test_a_limited_data_set(tiny: Loaded, lake: Lake, desk: Desk) -> None:
    half = tiny.archive / "2025"
    for path in (half, tiny.archive):
        both(lake, desk, path, privacy="limited", secrets=tiny.secrets)
    assert_same(lake.folder, desk.store)
    with pytest.raises(UsageError, match="limited data set and stays one"):
        lake.load(half, privacy="full", secrets=tiny.secrets)


def test_a_wrong_secret_is_told_every_night(tiny: Loaded, lake: Lake, desk: Desk) -> None:
    for _ in range(2):
        receipt = both(lake, desk, tiny.archive, secrets={"wrong": "not it"})
        assert receipt.nothing_trusted
    assert_same(lake.folder, desk.store)


def test_a_lake_that_knows_of_forgotten_people_is_not_loaded_further(
    tiny: Loaded, lake: Lake, tmp_path: Path
) -> None:
    with avon.open(tiny.copy(tmp_path / "store.duckdb")) as store:
        (someone,) = store.sql("SELECT id FROM patients ORDER BY id LIMIT 1")["id"]
        store.forget(someone)
        store.write_lake(lake.folder)
    with pytest.raises(StoreError, match="load into the store"):
        lake.load(tiny.archive, secrets=tiny.secrets)


def test_what_is_refused(tiny: Loaded, lake: Lake) -> None:
    with pytest.raises(MissingSecret):
        lake.load(tiny.archive, secrets=None)
    with pytest.raises(UsageError, match="from 1"):
        lake.load(tiny.archive, buckets=0)
    with pytest.raises(UsageError, match="to 100,000"):
        lake.load(tiny.archive, buckets=10**11)
    with pytest.raises(UsageError, match="unknown time zone"):
        lake.load(tiny.archive, time_zone="Mars")
    theirs = Path(lake.folder) / "theirs.csv"
    theirs.parent.mkdir(exist_ok=True)
    theirs.touch()
    with pytest.raises(UsageError, match=r"theirs\.csv stands in it"):
        lake.load(tiny.archive, secrets=tiny.secrets)
    theirs.unlink()
    assert newest_state(lake.folder) is None


class Laked(Asked):
    """A lake as ``test_any_order`` sees a desk: loaded in several loads, and asked for its rows."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self.store = avon.open(lake.folder)

    def load(self, *paths: Path, within: Any = None, **how: Any) -> Any:
        share = {} if within is None else {"share_bytes": 500}
        return self._lake.load(*paths, **share, **how)


def test_the_same_lines_give_the_same_tables(
    archive: Archive, tmp_path_factory: pytest.TempPathFactory
) -> None:
    _, how = KINDS["all of it"]
    lines = st.one_of(*[deliveries(archive, **how)] * 4, st.sampled_from(JUNK))

    @settings(
        max_examples=3,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data())
    def run(data: st.DataObject) -> None:
        lake = Laked(Lake(tmp_path_factory.mktemp("lakes") / "lake"))
        told = data.draw(st.lists(lines, min_size=12, max_size=30))
        check(data, archive, Desk(archive), lake, told)

    run()


def test_what_stands_behind_the_deliveries_of_a_line_is_kept_as_it_was_sent(
    archive: Archive, lake: Lake, desk: Desk
) -> None:
    rests = ("[1, 2]", '"text"', "12", "x", "{")
    path = archive.write(*(archive.raw(archive.patient(n)) + one for n, one in enumerate(rests)))
    both(lake, desk, path)
    assert_same(lake.folder, desk.store)
    kept = desk.store.quarantine.lines(identifiers=True)["content"]
    assert [one.decode() for one in kept] == list(rests)


def test_what_a_file_is_that_is_cut_into_sections_is_told_by_its_start(
    archive: Archive, lake: Lake, desk: Desk
) -> None:
    events = [json.dumps(archive.patient(n), indent=1) for n in range(9)]
    both(lake, desk, archive.write(*events), policy="skip", share_bytes=200)
