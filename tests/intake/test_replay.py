"""Lines of the quarantine: looked at, exported as they were archived, and tried again."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import tracemalloc
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import avon_analytics as avon
from avon_analytics.contract import OBJECTS
from avon_analytics.contract.patient import Patient
from avon_analytics.errors import MissingSecret, StoreError, UsageError
from avon_analytics.intake.after.quarantined_lines import (
    QuarantinedLine,
    QuarantineFilter,
    places,
)
from avon_analytics.intake.after.retry import retry
from avon_analytics.intake.write.writer import StoreWriter
from tests.frames import records

if TYPE_CHECKING:
    from tests.intake.conftest import Archive, Desk, OpenDesk

OLD, NEW = "whsec_old", "whsec_of_these_tests"
BOM = b"\xef\xbb\xbf"


def rotated(archive: Archive, n: int = 3) -> list[str]:
    """Deliveries of an old secret, then of a new one."""
    return [archive.raw(archive.patient(ms), secret=OLD if ms < n else NEW) for ms in range(2 * n)]


def test_a_secret_that_was_added_frees_its_lines(archive: Archive, desk: Desk) -> None:
    desk.take(*rotated(archive), "{", json.dumps({"event": "", "object": 5}))
    assert desk.ends() == ["signature_mismatch"] * 3 + ["loaded"] * 3 + ["not_json", "unsigned"]
    done = desk.store.quarantine.replay(secrets={"old": OLD})
    assert (done.tried, done.loaded, done.duplicate, done.quarantined) == (5, 3, 0, 2)
    assert done.quarantined_by_code == {"not_json": 1, "unsigned": 1}
    assert (done.events, done.secrets, done.unreadable) == (6, ("old",), 0)
    assert desk.ends() == ["loaded"] * 6 + ["not_json", "unsigned"]
    assert desk.add_up()["loaded"] == 6
    assert desk.column("SELECT DISTINCT secret FROM events ORDER BY secret") == ["default", "old"]
    assert desk.column("SELECT load_id FROM deliveries ORDER BY line") == [2] * 3 + [1] * 5
    again = desk.store.quarantine.replay(secrets={"old": OLD})
    assert (again.tried, again.loaded, again.quarantined) == (2, 0, 2)


def test_one_thread_of_the_engine_takes_lines_in(
    archive: Archive, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With more, DuckDB 1.5 may wait for itself: for Python's lock, which a query of it holds."""
    database, seen = desk.store._database, []
    take = StoreWriter.take

    def watched(self: StoreWriter, *batch: Any, **how: Any) -> Any:
        seen.append(database.threads)
        return take(self, *batch, **how)

    with database.writing() as connection:
        connection.execute("SET threads = 3")
    monkeypatch.setattr(StoreWriter, "take", watched)
    desk.take(*rotated(archive))
    n_of_load = len(seen)
    desk.store.quarantine.replay(secrets={"old": OLD})
    assert n_of_load
    assert len(seen) > n_of_load
    assert set(seen) == {1}
    assert database.threads == 3


def test_the_engine_holds_no_more_than_in_a_load(
    archive: Archive, open_desk: OpenDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, seen = open_desk(tmp_path / "avon.duckdb"), []
    take = StoreWriter.take

    def limit() -> str:
        with desk.store._database.writing() as connection:
            ((shown,),) = connection.execute("SELECT current_setting('memory_limit')").fetchall()
        return str(shown)

    def watched(self: StoreWriter, *batch: Any, **how: Any) -> Any:
        seen.append(limit())
        return take(self, *batch, **how)

    usual = limit()
    monkeypatch.setattr(StoreWriter, "take", watched)
    desk.take(*rotated(archive))
    n_of_load = len(seen)
    desk.store.quarantine.replay(secrets={"old": OLD})
    assert len(seen) > n_of_load > 0
    assert len({*seen}) == 1
    assert not {usual, limit()} & {*seen}


def test_lines_are_tried_some_at_a_time(
    archive: Archive, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many there are; all in one transaction, and none of them twice."""
    desk.take(*rotated(archive, 5), "{")
    taken = []
    take = StoreWriter.take

    def watched(self: StoreWriter, batch: Any, **how: Any) -> Any:
        taken.append(len(batch))
        return take(self, batch, **how)

    monkeypatch.setattr(StoreWriter, "take", watched)
    monkeypatch.setattr("avon_analytics.intake.after.quarantined_lines.BATCH_BYTES", 1)
    done = desk.store.quarantine.replay(secrets={"old": OLD})
    assert taken == [1] * 5
    assert (done.tried, done.loaded, done.quarantined_by_code) == (6, 5, {"not_json": 1})
    assert desk.ends() == ["loaded"] * 10 + ["not_json"]
    desk.add_up()


def test_where_lines_stand_is_not_held_of_all_at_once(desk: Desk) -> None:
    desk.take(*["{"] * 40_000)

    def peak(use: Callable[[Iterator[QuarantinedLine]], object]) -> int:
        with desk.store._database.reading() as connection:
            tracemalloc.start()
            try:
                assert use(places(connection, QuarantineFilter()))
                return tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()

    assert peak(lambda found: sum(1 for _ in found) == 40_000) < peak(list) / 2


def test_the_same_tables_as_if_both_secrets_had_been_there(
    archive: Archive, open_desk: OpenDesk
) -> None:
    path = archive.write(*rotated(archive))
    late, at_once = open_desk(), open_desk()
    late.load(path)
    late.store.quarantine.replay(secrets={"old": OLD})
    at_once.load(path, secrets={"old": OLD, "default": NEW})
    query = "SELECT * EXCLUDE (body_digest) FROM events ORDER BY event_id"
    assert late.rows(query) == at_once.rows(query)
    query = "SELECT * FROM people_versions ORDER BY event_id"
    assert late.rows(query) == at_once.rows(query)


def test_a_wrong_secret_frees_nothing_and_worsens_nothing(archive: Archive, desk: Desk) -> None:
    desk.take(*rotated(archive), archive.raw({"event": "", "object": 5}))
    before = desk.rows("SELECT * FROM quarantine ORDER BY line")
    done = desk.store.quarantine.replay(secrets="whsec_neither")
    assert (done.loaded, done.quarantined) == (0, 4)
    assert desk.rows("SELECT * FROM quarantine ORDER BY line") == before
    desk.add_up()


def test_what_is_trusted_now_and_fails_in_its_body_says_so(archive: Archive, desk: Desk) -> None:
    desk.take(archive.raw({"event": "", "object": 5}, secret=OLD), archive.raw(archive.patient()))
    done = desk.store.quarantine.replay(secrets=OLD)
    assert done.quarantined_by_code == {"contract": 1}
    assert desk.ends() == ["contract", "loaded"]
    desk.add_up()


def test_another_policy_takes_what_the_first_one_refused(archive: Archive, desk: Desk) -> None:
    lines = [archive.raw(archive.patient(ms), secret=None) for ms in (1, 2)]
    desk.take(*lines, archive.raw(archive.patient(7), secret=OLD))
    done = desk.store.quarantine.replay(policy="record", secrets=NEW, code="unsigned")
    assert (done.tried, done.loaded) == (2, 2)
    assert desk.store.quarantine.replay(policy="skip").loaded == 1
    assert desk.column("SELECT signature FROM events ORDER BY occurred_at") == [
        *("unsigned", "unsigned", "unchecked")
    ]
    desk.add_up()


def test_a_widened_contract_frees_its_lines(
    archive: Archive, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if a later version of this package read what this one refuses."""
    desk.take(archive.raw(archive.patient(caregiver_only="perhaps")), archive.raw("{"))
    assert desk.ends() == ["contract", "not_json"]
    validate = Patient.model_validate

    def wider(value: Any, **how: Any) -> Any:
        return validate({k: v for k, v in value.items() if v != "perhaps"}, **how)

    monkeypatch.setattr(OBJECTS["patient"], "model_validate", wider)
    done = desk.store.quarantine.replay(secrets=NEW, code=["contract", "not_json"])
    assert (done.loaded, done.quarantined_by_code) == (1, {"not_json": 1})
    assert desk.column("SELECT id FROM patients") == ["user_ann"]
    desk.add_up()


def test_a_line_that_was_too_long_is_found_again_behind_a_byte_order_mark(
    archive: Archive, desk: Desk
) -> None:
    marked = BOM + archive.raw(archive.patient(1, first_name="a" * 3000)).encode()
    desk.load(archive.write(marked), within={"line_limit": 2000})
    assert desk.column("SELECT sha256 FROM quarantine") == [hashlib.sha256(marked).hexdigest()]
    done = desk.store.quarantine.replay(secrets=NEW)
    assert (done.loaded, done.unreadable) == (1, 0)


def test_a_line_that_was_too_long_is_read_from_the_archive(archive: Archive, desk: Desk) -> None:
    big = archive.raw(archive.patient(2, note="x" * 9000))
    path = archive.write(
        archive.raw(archive.patient(1)), big, archive.raw(archive.patient(3), secret=OLD)
    )
    desk.load(path, within={"line_limit": 4000})
    assert desk.ends() == ["loaded", "too_long", "signature_mismatch"]
    assert desk.store.quarantine.replay(secrets=NEW, line_limit=4000).tried == 1
    assert desk.store.quarantine.replay(secrets=NEW).loaded == 1
    assert desk.ends() == ["loaded", "loaded", "signature_mismatch"]
    desk.add_up()
    for wrong in (0, -1, 2**31):
        with pytest.raises(UsageError, match="from 1 to"):
            desk.store.quarantine.replay(secrets=NEW, line_limit=wrong)
        with pytest.raises(UsageError, match="from 1 to"):
            desk.load(path, line_limit=wrong)


def test_a_line_that_is_no_longer_there_stays(archive: Archive, desk: Desk) -> None:
    big = archive.raw(archive.patient(2, note="x" * 9000))
    path = archive.write(big)
    desk.load(path, within={"line_limit": 4000})
    path.write_text(big.replace("xx", "xy", 1) + "\n")
    done = desk.store.quarantine.replay(secrets=NEW)
    assert (done.loaded, done.quarantined_by_code, done.unreadable) == (0, {"too_long": 1}, 1)
    path.unlink()
    assert desk.store.quarantine.replay(secrets=NEW).unreadable == 1
    assert "no longer in the archive" in str(done)
    desk.add_up()


def test_a_conflict_is_turned_by_a_better_signature_alone(archive: Archive, desk: Desk) -> None:
    first = archive.patient(1, id="user_ann", first_name="A")
    other = archive.patient(1, id="user_ann", first_name="B")
    lines = [archive.raw(first, secret=None), archive.raw(other, secret=OLD)]
    received_later = lines[1].replace("12:00", "13:00")
    desk.take(lines[0], received_later, policy="record")
    assert desk.ends() == ["loaded", "conflict"]
    assert desk.store.quarantine.replay(secrets=NEW, policy="record").loaded == 0
    assert desk.ends() == ["loaded", "conflict"]
    assert desk.store.quarantine.replay(secrets=OLD, policy="record").loaded == 1
    assert desk.ends() == ["conflict", "loaded"]
    assert desk.column("SELECT first_name FROM patients") == ["B"]
    desk.add_up()


def test_all_of_it_or_nothing(
    archive: Archive, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.take(*rotated(archive))
    before = desk.rows("SELECT * FROM deliveries ORDER BY line")

    def fail(_: Any) -> None:
        raise RuntimeError("pulled the plug")

    monkeypatch.setattr("avon_analytics.intake.write.load_log.recount", fail)
    with pytest.raises(RuntimeError):
        desk.store.quarantine.replay(secrets=OLD)
    monkeypatch.undo()
    assert desk.rows("SELECT * FROM deliveries ORDER BY line") == before
    desk.add_up()
    assert desk.store.quarantine.replay(secrets=OLD).loaded == 3


def test_what_replay_refuses(
    archive: Archive, desk: Desk, open_desk: OpenDesk, tmp_path: Path
) -> None:
    desk.take(*rotated(archive))
    with pytest.raises(MissingSecret):
        desk.store.quarantine.replay(secrets={})
    with pytest.raises(UsageError, match=r"'mismatch'.*signature_mismatch"):
        desk.store.quarantine.replay(secrets=OLD, code="mismatch")
    with pytest.raises(UsageError, match="no line of a file other"):
        desk.store.quarantine.replay(secrets=OLD, file="other.jsonl")
    nowhere = open_desk(tmp_path / "none.duckdb")
    with pytest.raises(StoreError, match="no store"):
        nowhere.store.quarantine.replay(secrets=OLD)
    assert not (tmp_path / "none.duckdb").exists()


# Lines that stand for every way to fail, with every way to end a line.
ODD = [
    BOM + b'{"body": "',
    b'{"a": "\xff\xfe"}',
    '"Ünïcödé"'.encode(),
    b"{\r",
    b'  {"a": 1, "a": 2}  ',
    b"\x00",
]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_export_gives_the_bytes_as_archived(
    archive: Archive, desk: Desk, tmp_path: Path, end: bytes
) -> None:
    path = archive.write(*ODD, archive.raw(archive.patient()), end=end, last=end)
    desk.load(path)
    out = tmp_path / "quarantine.jsonl"
    done = desk.store.quarantine.export(out)
    assert (done.lines, done.missing) == (len(ODD), 0)
    assert stat.S_IMODE(os.stat(out).st_mode) == 0o600
    raw = path.read_bytes()
    assert [line for line in out.read_bytes().split(b"\n") if line] == [
        # A line that itself ends with a carriage return keeps it before the end that is taken off.
        line + b"\r" if line.endswith(b"\r") else line
        for line in desk.store.quarantine.lines(identifiers=True)["content"]
    ]
    for row in records(desk.store.quarantine.lines(identifiers=True)):
        assert raw[row["byte_offset"] :][: row["byte_length"]] == row["content"]


def test_what_was_exported_loads_as_it_stands(
    archive: Archive, open_desk: OpenDesk, tmp_path: Path
) -> None:
    path = archive.write(BOM + archive.raw(archive.patient(9), secret=OLD).encode(), *ODD)
    long = archive.write(archive.raw(archive.patient(5, note="x" * 9000), secret=OLD))
    desk = open_desk()
    desk.load(path, long, within={"line_limit": 8000})
    out = tmp_path / "out.jsonl"
    assert desk.store.quarantine.export(out).lines == len(ODD) + 2
    other = open_desk()
    other.load(out, secrets=OLD)
    assert other.column("SELECT epoch_ms(occurred_at) FROM events ORDER BY 1") == [5, 9]
    query = "SELECT sha256, code FROM quarantine WHERE code <> 'signature_mismatch' ORDER BY ALL"
    first = desk.rows(query)
    assert other.rows(query) == [row for row in first if row[1] != "too_long"]
    assert desk.store.quarantine.export(out, code="too_long", file=long.name).lines == 1
    assert out.read_bytes() == long.read_bytes()
    long.write_bytes(b"y" * 20_000)
    done = desk.store.quarantine.export(out, code=["too_long"])
    assert (done.lines, done.missing, out.read_bytes()) == (0, 1, b"")


def test_looking_at_one_line(archive: Archive, desk: Desk) -> None:
    bad = archive.raw(archive.patient(1, caregiver_only="perhaps", date_of_birth="Zebulonia"))
    one = archive.write("{", bad, name="a/x.jsonl")
    desk.load(one, archive.write("{", name="b/x.jsonl"), archive.write("[", name="yx.jsonl"))
    store = desk.store
    (row,) = store.quarantine.lines(file="a/x.jsonl", line=2).to_dict("records")
    assert (row["code"], row["file"], "content" in row) == ("contract", str(one), False)
    found = store.quarantine.errors(file=one, line=2)
    assert list(found["path"]) == ["object.date_of_birth", "object.caregiver_only"]
    assert list(found.columns) == ["file", "line", "code", "path", "expected"]
    assert "Zebulonia" not in found.to_csv() + str(row)
    raw = store.quarantine.lines(file="a/x.jsonl", line=2, identifiers=True)
    assert raw["content"][0] == bad.encode()
    assert len(store.quarantine.lines(code="not_json")) == 3
    assert store.quarantine.errors(code="conflict").dtypes.astype(str).to_dict() == {
        "file": "str",
        "line": "Int64",
        "code": "str",
        "path": "str",
        "expected": "str",
    }
    with pytest.raises(UsageError, match=r"several files are called x\.jsonl"):
        store.quarantine.lines(file="x.jsonl")


def test_the_quarantine_shows_how_much_it_holds(
    archive: Archive, desk: Desk, tmp_path: Path
) -> None:
    bad = archive.raw(archive.patient(1, caregiver_only="perhaps"))
    desk.load(archive.write("{", bad, "["))
    assert repr(desk.store.quarantine) == (
        "Lines in quarantine  3\n"
        "  not_json           2  not JSON\n"
        "  contract           1  a field is not as Avon describes it"
    )
    assert '<td style="text-align:left">not JSON</td>' in desk.store.quarantine._repr_html_()
    assert dir(desk.store.quarantine) == ["errors", "export", "lines", "replay"]
    nowhere = avon.open(tmp_path / "none.duckdb").quarantine
    assert "there is no store" in repr(nowhere)


def test_a_plain_load_with_another_secret_is_the_same_mechanism(
    archive: Archive, desk: Desk
) -> None:
    """Also for a line with a byte-order mark, which stands in the quarantine as it was sent."""
    marked = BOM + archive.raw(archive.patient(9), secret=OLD).encode()
    path = archive.write(marked, *rotated(archive))
    desk.load(path)
    receipt = desk.load(path, secrets={"old": OLD})
    assert (receipt.loaded, receipt.quarantined) == (4, 0)
    assert "4 lines from the quarantine are trusted now" in str(receipt)
    assert set(desk.ends()) == {"loaded"}
    desk.add_up()


def test_a_secret_is_tried_once_on_what_matched_none(
    archive: Archive, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A night's load does not verify the mismatches of all nights before; a new secret does."""
    tried: list[int] = []

    def counting(connection: Any, writer: Any, found: Any, *more: Any) -> Any:
        every = list(found)
        tried.append(len(every))
        return retry(connection, writer, every, *more)

    monkeypatch.setattr("avon_analytics.intake.load.retry", counting)
    lines = [archive.raw(archive.patient(ms), secret=OLD) for ms in range(3)]
    path = archive.write(*lines[:2], name="a.jsonl")
    desk.load(path, secrets={"a": "first"})
    desk.load(path, secrets={"a": "first"})
    assert tried == []
    desk.load(path, secrets={"b": "second"})
    archive.write(*lines, name="a.jsonl")  # the file has grown
    desk.load(path, secrets={"a": "first"})
    assert tried == [2]
    for _ in range(2):  # under the second, only the line that came since is new
        desk.load(path, secrets={"a": "first", "b": "second"})
    assert tried == [2, 1]
    assert set(desk.ends()) == {"signature_mismatch"}
    settings = str(desk.rows("SELECT * FROM settings"))
    digests = [sha256(secret).hexdigest() for secret in (b"first", b"second")]
    assert not [one for one in ("first", "second", str(path), *digests) if one in settings]
    desk.load(path, secrets={"a": "first", "c": OLD})
    assert (tried, set(desk.ends())) == ([2, 1, 3], {"loaded"})
    desk.add_up()
