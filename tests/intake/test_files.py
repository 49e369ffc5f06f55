"""Files as exporters leave them: marks, line ends, last lines, compression, folders and globs."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import zstandard

from avon_analytics.errors import ArchiveError, UsageError

if TYPE_CHECKING:
    from tests.intake.conftest import Archive, Desk

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".zst": zstandard.compress,
    ".bz2": bz2.compress,
}
MARK = b"\xef\xbb\xbf"


def test_marks_carriage_returns_and_blank_lines_are_normal(archive: Archive, desk: Desk) -> None:
    one, two = (archive.raw(archive.patient(ms)).encode() for ms in (1, 2))
    path = archive.write(
        MARK + one, b"", b"  \t", MARK, b"\r", b" " + two + b" ", b"", end=b"\r\n", last=b""
    )
    receipt = desk.load(path)
    # Seven pieces between six ends: the last, empty piece is no line.
    assert (receipt.lines, receipt.blank, receipt.loaded) == (6, 4, 2)
    places = desk.rows("SELECT line, byte_offset, byte_length FROM deliveries ORDER BY line")
    raw = path.read_bytes()
    assert [line for line, _, _ in places] == [1, 6]
    assert [raw[start : start + length] for _, start, length in places] == [
        MARK + one,
        b" " + two + b" ",
    ]
    assert desk.add_up()["blank"] == 4


def test_a_quarantined_line_is_kept_to_the_byte(desk: Desk) -> None:
    lines = [b"{not json", MARK + b"{not json either", b"\xff\xfe", b"[1]\t"]
    desk.take(*lines)
    kept = desk.rows("SELECT content, sha256, byte_length FROM quarantine ORDER BY line")
    assert [bytes(content) for content, _, _ in kept] == lines
    assert [sha for _, sha, _ in kept] == [hashlib.sha256(line).hexdigest() for line in lines]
    assert [length for _, _, length in kept] == [len(line) for line in lines]


def test_a_complete_last_line_needs_no_end(archive: Archive, desk: Desk) -> None:
    one, two, three = (archive.raw(archive.patient(ms)) for ms in (1, 2, 3))
    path = archive.write(one, two, last=b"")
    assert desk.load(path).loaded == 2

    # Its end comes later, and is no line of its own.
    path.write_bytes(path.read_bytes() + b"\r\n")
    assert desk.load(path).lines == 0
    path.write_bytes(path.read_bytes() + three.encode())
    receipt = desk.load(path)
    assert (receipt.lines, receipt.loaded) == (1, 1)
    assert desk.column("SELECT line FROM deliveries ORDER BY line") == [1, 2, 3]
    desk.add_up()


@pytest.mark.parametrize("cut", [1, 40, -1])
def test_an_incomplete_last_line_waits_until_the_file_has_grown(
    archive: Archive, desk: Desk, cut: int
) -> None:
    one, two = (archive.raw(archive.patient(ms)).encode() for ms in (1, 2))
    path = archive.write(one)
    whole = path.read_bytes() + two + b"\n"
    start = two[:cut]
    path.write_bytes(path.read_bytes() + start)

    (file,) = desk.load(path).files
    assert (file.lines, file.loaded, file.pending_bytes) == (1, 1, len(start))
    assert f"its last {len(start):,} bytes are not loaded" in file.note
    assert desk.load(path).files_unchanged == 1

    path.write_bytes(whole)
    (file,) = desk.load(path).files
    assert (file.lines, file.loaded, file.pending_bytes, file.note) == (1, 1, 0, "")
    assert desk.rows("SELECT line, byte_offset FROM deliveries ORDER BY line") == [
        (1, 0),
        (2, len(one) + 1),
    ]
    desk.add_up()


@pytest.mark.parametrize("suffix", COMPRESS)
def test_compressed_files_read_like_plain_ones_also_in_several_members(
    archive: Archive, desk: Desk, suffix: str
) -> None:
    lines = [(archive.raw(archive.patient(ms)) + "\n").encode() for ms in range(4)]
    members = [lines[0], lines[1][:50], lines[1][50:] + lines[2]]
    path = archive.write(name=f"day.jsonl{suffix}")
    path.write_bytes(b"".join(map(COMPRESS[suffix], members)))
    assert desk.load(path).loaded == 3

    # A member was appended: the file goes on where it ended.
    path.write_bytes(path.read_bytes() + COMPRESS[suffix](lines[3]))
    receipt = desk.load(path)
    assert (receipt.lines, receipt.loaded) == (1, 1)
    assert desk.column("SELECT byte_offset FROM deliveries ORDER BY line") == [
        sum(map(len, lines[:n])) for n in range(4)
    ]


def test_the_first_bytes_tell_how_a_file_is_compressed_not_its_name(
    archive: Archive, desk: Desk
) -> None:
    plain = (archive.raw(archive.patient(1)) + "\n").encode()
    archive.write(name="a.jsonl.gz").write_bytes(plain)
    archive.write(name="b.jsonl").write_bytes(zstandard.compress(plain))
    assert desk.load(archive.folder).as_dict()["duplicate"] == 1


@pytest.mark.parametrize("suffix", COMPRESS)
@pytest.mark.parametrize("kept", [0.5, -1, 6])
def test_a_file_that_is_cut_short_leaves_the_store_as_before_it_and_is_named(
    archive: Archive, desk: Desk, suffix: str, kept: float
) -> None:
    before = archive.write(archive.raw(archive.patient(1)), name="a.jsonl")
    # Digests do not compress well, so that the cut falls between lines that could be read.
    notes = [hashlib.sha256(bytes([n])).hexdigest() * 4 for n in range(200)]
    text = "".join(archive.raw(archive.patient(2 + n, note=t)) + "\n" for n, t in enumerate(notes))
    whole = COMPRESS[suffix](text.encode())
    cut = archive.write(name=f"b's.jsonl{suffix}")
    cut.write_bytes(whole[: int(kept * len(whole)) if kept < 1 and kept > 0 else int(kept)])
    after = archive.write(archive.raw(archive.patient(9999)), name="c.jsonl")

    with pytest.raises(ArchiveError, match=r"b's\.jsonl.*damaged or cut short"):
        desk.load(before, cut, after)
    assert desk.add_up()["loaded"] == 1
    assert desk.column("SELECT file FROM archive_files") == [str(before)]

    cut.write_bytes(whole)
    assert desk.load(before, cut, after).loaded == 201
    desk.add_up()


def test_empty_files_are_files(archive: Archive, desk: Desk) -> None:
    paths = [archive.write(name="empty.jsonl")]
    for suffix, compress in COMPRESS.items():
        paths.append(archive.write(name=f"empty.jsonl{suffix}"))
        paths[-1].write_bytes(compress(b""))
    receipt = desk.load(*paths)
    assert (receipt.lines, len(receipt.files), receipt.nothing_trusted) == (0, 4, False)
    assert desk.load(*paths).files_unchanged == 4


def test_folders_are_searched_and_what_is_passed_over_is_counted(
    archive: Archive, desk: Desk
) -> None:
    names = ("a.jsonl", "x/b.NDJSON", "x/y/c.json", "x/d.jsonl.gz", "e.ndjson.zst", "f.json.bz2")
    for ms, name in enumerate(names, 1):
        archive.write(archive.raw(archive.patient(ms)), name=name)
    for name in ("notes.txt", "x/.hidden.jsonl", "x/table.csv.gz", "jsonl"):
        archive.write("no delivery", name=name)
    receipt = desk.load(archive.folder)
    assert (receipt.loaded, receipt.quarantined, receipt.files_passed_over) == (6, 0, 4)


def test_files_folders_and_globs_mix_and_name_each_file_once(archive: Archive, desk: Desk) -> None:
    one = archive.write(archive.raw(archive.patient(1)), name="x/one.jsonl")
    two = archive.write(archive.raw(archive.patient(2)), name="x/two.log")
    receipt = desk.load(one, archive.folder / "x", f"{archive.folder}/**/*.jsonl", str(two))
    assert [Path(file.file).name for file in receipt.files] == ["one.jsonl", "two.log"]
    assert receipt.loaded == 2


@pytest.mark.parametrize("path", ["missing.jsonl", "*.nothing"])
def test_a_path_that_names_nothing_is_an_error_that_says_so(desk: Desk, path: str) -> None:
    with pytest.raises(ArchiveError, match=path.replace("*", r"\*")):
        desk.load(path)


def test_folders_without_an_archive_are_an_error(archive: Archive, desk: Desk) -> None:
    archive.write("text", name="only-text/readme.txt")
    with pytest.raises(ArchiveError, match="no archive file"):
        desk.load(archive.folder / "only-text")
    with pytest.raises(ArchiveError):
        desk.load()


def test_an_empty_path_is_not_the_current_folder(
    archive: Archive, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive.write(archive.raw(archive.patient()))
    monkeypatch.chdir(archive.folder)
    with pytest.raises((ArchiveError, UsageError)):
        desk.load("")


NAMES = ["it's.jsonl", 'a"b.jsonl', "a;drop table events;--.jsonl", "[x]*.jsonl", "$x %s {y}.jsonl"]
NAMES += ["üñ 😀.jsonl", "new\nline.jsonl"]


def test_names_of_files_are_never_code(archive: Archive, desk: Desk) -> None:
    paths = [
        archive.write(archive.raw(archive.patient(ms)), "{bad", name=name)
        for ms, name in enumerate(NAMES, 1)
    ]
    receipt = desk.load(*paths)
    assert (receipt.loaded, receipt.quarantined) == (len(NAMES), len(NAMES))
    assert {os.path.basename(f) for f in desk.column("SELECT file FROM archive_files")} == set(
        NAMES
    )
    assert desk.load(*paths).files_unchanged == len(NAMES)
    desk.add_up()


def test_a_name_that_is_no_utf8_is_an_error_of_the_archive(archive: Archive, desk: Desk) -> None:
    good = archive.write(archive.raw(archive.patient(1)), name="a.jsonl")
    bad = os.fsdecode(os.fsencode(archive.folder) + b"/\xff.jsonl")
    Path(bad).write_bytes(good.read_bytes())
    with pytest.raises(ArchiveError, match="name"):
        desk.load(archive.folder)


def test_a_pipe_is_an_error_of_the_archive_and_not_of_the_program(
    archive: Archive, desk: Desk
) -> None:
    good = archive.write(archive.raw(archive.patient(1)), name="a.jsonl")
    pipe = archive.folder / "pipe.jsonl"
    os.mkfifo(pipe)
    holder = os.open(pipe, os.O_RDWR)  # so that opening it to read does not wait for a writer
    os.write(holder, good.read_bytes())
    try:
        with pytest.raises(ArchiveError, match=r"pipe\.jsonl"):
            desk.load(pipe)
    finally:
        os.close(holder)


@pytest.mark.parametrize("batch_bytes", [1, 300, 1 << 20])
def test_a_line_over_the_limit_is_set_aside_unread(
    archive: Archive, desk: Desk, batch_bytes: int
) -> None:
    one, two = (archive.raw(archive.patient(ms)).encode() for ms in (1, 2))
    long = b'{"headers": {}, "body": "' + b"x" * 3000 + b"\r"
    at_limit = b"[" + b" " * 998 + b"]"
    path = archive.write(one, long, b"", two, at_limit, b" " * 2000, b"y" * 1001, last=b"")
    receipt = desk.load(path, within={"line_limit": 1000, "batch_bytes": batch_bytes})
    assert receipt.quarantined_by_code == {"too_long": 2, "not_a_delivery": 1}
    assert (receipt.loaded, receipt.blank, receipt.lines) == (2, 2, 7)
    found = desk.rows(
        "SELECT line, byte_offset, byte_length, sha256, content FROM quarantine "
        "WHERE code = 'too_long' ORDER BY line"
    )
    # A carriage return before the end belongs to the end.
    first, last = long[:-1], b"y" * 1001
    start = len(one) + 1
    after = start + len(long) + 1 + 1 + len(two) + 1 + 1000 + 1 + 2000 + 1
    assert found == [
        (2, start, len(first), hashlib.sha256(first).hexdigest(), None),
        (7, after, len(last), hashlib.sha256(last).hexdigest(), None),
    ]
    assert desk.errors()[0] == [("too_long", "")]
    desk.add_up()
