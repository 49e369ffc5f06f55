"""Loading again: nothing changes, what is new is added, and what failed is tried again."""

from __future__ import annotations

import gzip
import json
import os
from typing import TYPE_CHECKING

import pytest

from avon_analytics.errors import ArchiveError

if TYPE_CHECKING:
    from tests.intake.conftest import Archive, Desk


# What tells of each load, and so differs after another one.
LOGS = ("loads", "archive_files", "drift", "settings")


def everything(desk: Desk) -> dict[str, list[str]]:
    """Every row of every table, but of the logs of loads themselves; views only ask tables."""
    tables = (
        "SELECT table_schema, table_name FROM information_schema.tables "
        "WHERE table_type = 'BASE TABLE'"
    )
    with desk.held():
        names = [f"{schema}.{one}" for schema, one in desk.rows(tables) if one not in LOGS]
        return {name: sorted(map(str, desk.rows(f"SELECT * FROM {name}"))) for name in names}


def mixed(archive: Archive) -> list[str]:
    """A loaded line, a duplicate, a blank one, one of each kind of bad line."""
    good = archive.raw(archive.patient(1, first_name="a"))
    return [
        *(good, good, "", "{", '{"body": 5}'),
        archive.raw(archive.patient(2), secret="another"),
        archive.raw(archive.patient(2), secret=None),
        archive.raw('{"event": "", "object": 5}'),
        archive.raw(archive.patient(1, first_name="b"), received="2025-03-11T00:00:00Z"),
        json.dumps({**json.loads(archive.raw(archive.patient(3))), "isBase64Encoded": 1}),
    ]


def test_loading_again_changes_nothing(archive: Archive, desk: Desk) -> None:
    path = archive.write(*mixed(archive))
    desk.load(path)
    before = everything(desk)
    assert sum(len(rows) for rows in before.values()) > 15
    for how in ("at once", "recheck", "touched"):
        if how == "touched":
            os.utime(path, (1, 1))
        receipt = desk.load(path, recheck=how == "recheck")
        assert (receipt.lines, receipt.files, receipt.files_unchanged) == (0, (), 1), how
        assert everything(desk) == before, how
        desk.add_up()
    assert desk.rows("SELECT files, files_unchanged, lines FROM loads ORDER BY load_id") == [
        (1, 0, 10),
        *[(0, 1, 0)] * 3,
    ]


def test_renamed_and_overlapping_exports_add_only_what_is_new(archive: Archive, desk: Desk) -> None:
    lines = [archive.raw(archive.patient(ms)) for ms in range(6)]
    first = archive.write(*lines[:4], name="march.jsonl")
    desk.load(first)
    renamed = first.rename(archive.folder / "2025-03.jsonl")
    assert desk.load(renamed).as_dict()["duplicate"] == 4
    packed = archive.write(name="2025-03.jsonl.gz")
    packed.write_bytes(gzip.compress("\n".join(lines[2:]).encode()))
    receipt = desk.load(archive.folder)
    assert (receipt.loaded, receipt.duplicate, receipt.files_unchanged) == (2, 2, 1)
    assert desk.add_up()["lines"] == 12
    assert desk.column("SELECT count(*) FROM patients_versions") == [6]


def test_a_grown_file_goes_on_where_it_ended(archive: Archive, desk: Desk) -> None:
    lines = [archive.raw(archive.patient(ms)) for ms in range(3)]
    path = archive.write(lines[0], "", lines[1])
    desk.load(path)
    start = path.stat().st_size
    with path.open("a") as file:
        file.write(lines[0] + "\n" + lines[2] + "\n")
    receipt = desk.load(path)
    assert (receipt.lines, receipt.loaded, receipt.duplicate) == (2, 1, 1)
    assert desk.rows("SELECT line, byte_offset FROM deliveries WHERE line > 3 ORDER BY line") == [
        (4, start),
        (5, start + len(lines[0]) + 1),
    ]
    assert desk.rows("SELECT lines, blank, loaded, last_line FROM archive_files") == [(5, 1, 3, 5)]
    desk.add_up()


@pytest.mark.parametrize("change", ["a byte", "shorter", "empty"])
def test_a_file_whose_earlier_part_changed_is_read_whole_again(
    archive: Archive, desk: Desk, change: str
) -> None:
    lines = [archive.raw(archive.patient(ms)) for ms in range(4)]
    path = archive.write(*lines[:2])
    desk.load(path)
    kept = {"a byte": [lines[3], *lines[1:3]], "shorter": lines[1:2], "empty": []}[change]
    path.write_text("".join(line + "\n" for line in kept))
    os.utime(path, (1, 1))
    (file,) = desk.load(path).files
    assert "read whole again" in file.note
    new = {"a byte": 2, "shorter": 0, "empty": 0}[change]
    assert (file.lines, file.loaded, file.duplicate) == (len(kept), new, len(kept) - new)
    assert desk.column("SELECT count(*) FROM events") == [2 + new]
    assert desk.load(path).files_unchanged == 1


def test_lines_that_are_trusted_now_hide_nothing_of_the_file_they_stand_in(
    archive: Archive, desk: Desk
) -> None:
    first, second = (archive.raw(archive.patient(ms)) for ms in range(2))
    path = archive.write(first)
    desk.load(path, secrets="whsec_wrong")
    with path.open("a") as file:
        file.write(second[:20])
    receipt = desk.load(path)
    (file_receipt,) = receipt.files
    assert (file_receipt.loaded, file_receipt.pending_bytes) == (1, 20)
    assert str(receipt).count("in the middle of a delivery") == 1
    assert "1 line from the quarantine is trusted now" in file_receipt.note


def test_the_right_secret_loads_what_a_wrong_one_left(archive: Archive, desk: Desk) -> None:
    texts = [json.dumps(archive.patient(ms)) for ms in range(4)]
    lines = [
        archive.raw(texts[0]),
        archive.base64(texts[1]),
        archive.parsed(texts[2]),
        "{",
        archive.raw(texts[3], secret="whsec_of_a_third"),
    ]
    path = archive.write(*lines)
    receipt = desk.load(path, secrets="whsec_wrong")
    assert receipt.nothing_trusted
    assert "right webhook secret" in str(receipt)
    assert desk.ends() == [
        *("signature_mismatch", "signature_mismatch", "unverifiable", "not_json"),
        "signature_mismatch",
    ]

    receipt = desk.load(path)
    assert (receipt.lines, receipt.loaded, receipt.nothing_trusted) == (3, 3, False)
    assert "3 lines" in receipt.files[0].note
    assert desk.ends() == ["loaded", "loaded", "loaded", "not_json", "signature_mismatch"]
    assert desk.add_up() == {
        "lines": 5,
        "blank": 0,
        "loaded": 3,
        "duplicate": 0,
        "quarantined": 2,
    }
    assert desk.load(path).files_unchanged == 1

    desk.load(path, secrets={"a": "whsec_of_a_third"})
    assert desk.column("SELECT count(*) FROM events") == [4]
    desk.add_up()


def test_every_line_waiting_for_a_secret_leaves_the_first_load_empty(
    archive: Archive, desk: Desk
) -> None:
    path = archive.write(*(archive.raw(archive.patient(ms)) for ms in range(3)))
    desk.load(path, secrets="whsec_wrong")
    desk.load(path)
    assert desk.add_up()["loaded"] == 3
    counts = "SELECT lines, loaded, quarantined FROM loads ORDER BY load_id"
    assert desk.rows(counts) == [(0, 0, 0), (3, 3, 0)]


def test_a_weaker_policy_takes_what_waits(archive: Archive, desk: Desk) -> None:
    path = archive.write(
        archive.raw(archive.patient(1)), archive.raw(archive.patient(2), secret=None)
    )
    desk.load(path)
    desk.load(path, policy="record")
    assert desk.column("SELECT signature FROM events ORDER BY occurred_at") == [
        "verified",
        "unsigned",
    ]
    desk.add_up()


def test_lines_of_a_rewritten_file_are_not_taken_for_its_earlier_ones(
    archive: Archive, desk: Desk
) -> None:
    """Line 1 of yesterday waits for a secret while line 1 of today is loaded."""
    old = [archive.raw(archive.patient(1), secret="whsec_old"), archive.raw(archive.patient(2))]
    new = [archive.raw(archive.patient(3)), archive.raw(archive.patient(4), secret="whsec_old")]
    path = archive.write(*old, name="current.jsonl")
    desk.load(path)
    path.write_text("".join(line + "\n" for line in new))
    os.utime(path, (1, 1))
    desk.load(path)
    count = "SELECT ended, count(*) FROM deliveries GROUP BY ended ORDER BY ended"
    assert desk.rows(count) == [("loaded", 2), ("quarantined", 2)]

    desk.load(path, secrets={"old": "whsec_old", "new": "whsec_of_these_tests"})
    assert desk.rows(count) == [("loaded", 4)]
    assert desk.column("SELECT occurred_at_source FROM events") == ["event"] * 4
    assert desk.rows("SELECT sum(loaded)::BIGINT, sum(lines)::BIGINT FROM archive_files") == [
        (4, 4)
    ]


@pytest.mark.parametrize(
    ("case", "trusted", "read"),
    [
        ("one line", True, True),
        ("one line, of which the body is broken", True, True),
        ("none", False, True),
        ("no line is a delivery", False, False),
        ("no line at all", True, True),
    ],
)
def test_nothing_trusted_is_said_of_a_wrong_secret_and_of_a_wrong_kind_of_file(
    archive: Archive, desk: Desk, case: str, trusted: bool, read: bool
) -> None:
    lines = {
        "one line": [archive.raw(archive.patient(1)), archive.raw(archive.patient(2), secret="x")],
        "one line, of which the body is broken": ["{", archive.raw("{")],
        "none": [archive.raw(archive.patient(1), secret="x"), "{"],
        "no line is a delivery": ["{", '{"body": 5}', ""],
        "no line at all": [""],
    }[case]
    path = archive.write(*lines)
    for _ in range(2):  # and of an unchanged file again, every night
        receipt = desk.load(path)
        assert (not receipt.nothing_trusted, not receipt.nothing_read) == (trusted, read)
        assert (receipt.warning is None) == trusted
        assert ("could be read as a delivery" in (receipt.warning or "")) == (not read)


def test_a_file_that_fails_leaves_the_store_as_before_it(archive: Archive, desk: Desk) -> None:
    good = archive.write(archive.raw(archive.patient(1)), name="a.jsonl")
    lines = "".join(archive.raw(archive.patient(ms)) + "\n" for ms in range(2, 400))
    whole = gzip.compress(lines.encode())
    bad = archive.write(name="b.jsonl.gz")
    bad.write_bytes(whole[: len(whole) // 2])
    for batch_bytes in (1 << 20, 1):
        with pytest.raises(ArchiveError, match=r"b\.jsonl\.gz.*nothing of it was loaded"):
            desk.load(good, bad, within={"batch_bytes": batch_bytes})
        assert desk.column("SELECT count(*) FROM events") == [1]
        assert desk.column("SELECT file FROM archive_files") == [str(good)]
        desk.add_up()
    bad.write_bytes(whole)
    receipt = desk.load(good, bad)
    assert (receipt.loaded, receipt.files_unchanged) == (398, 1)
    desk.add_up()
