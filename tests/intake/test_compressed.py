"""Compression as its tools write it: frames of every kind, and what cannot be decompressed."""

from __future__ import annotations

import bz2
import gzip
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import zstandard

from avon_analytics.errors import ArchiveError, DamagedFile

if TYPE_CHECKING:
    from tests.intake.conftest import Archive, Desk, OpenDesk

pytestmark = pytest.mark.any_engine

SKIPPABLE = [bytes([0x50 + n]) + b"\x2a\x4d\x18" for n in range(16)]


def skipped(n: int, size: int) -> bytes:
    return SKIPPABLE[n] + size.to_bytes(4, "little") + b"?" * size


def lines(archive: Archive, n: int = 20) -> bytes:
    return b"".join(archive.raw(archive.patient(ms)).encode() + b"\n" for ms in range(n))


def run(*command: str, given: bytes) -> bytes:
    if shutil.which(command[0]) is None:
        pytest.skip(f"needs {command[0]}")
    return subprocess.run(command, input=given, capture_output=True, check=True, timeout=60).stdout


@pytest.mark.parametrize("name", ["a.jsonl.zst", "a.jsonl"])
@pytest.mark.parametrize("batch_bytes", [1, 1 << 25])
def test_frames_to_skip_stand_anywhere(
    archive: Archive, desk: Desk, name: str, batch_bytes: int
) -> None:
    text = lines(archive)
    path: Path = archive.write(name=name)
    parts = [text[:1000], text[1000:1001], b"", text[1001:]]
    frames = [zstandard.compress(part) for part in parts]
    whole = skipped(0, 0) + skipped(15, 20_000)
    whole += b"".join(frame + skipped(n, n * 5000) for n, frame in enumerate(frames))
    path.write_bytes(whole)
    assert desk.load(path, within={"batch_bytes": batch_bytes}).loaded == 20
    path.write_bytes(whole[:-1])  # the last of them is cut short
    with pytest.raises(DamagedFile):
        desk.load(path)
    assert desk.load(path, allow_truncated=True).files[0].is_partial


def test_a_file_of_frames_to_skip_holds_no_line(archive: Archive, desk: Desk) -> None:
    path: Path = archive.write(name="a.jsonl.zst")
    path.write_bytes(skipped(3, 100))
    assert desk.load(path).lines == 0


def test_what_pzstd_writes(archive: Archive, desk: Desk) -> None:
    path: Path = archive.write(name="a.jsonl.zst")
    path.write_bytes(run("pzstd", "-q", "-c", "-p", "2", given=lines(archive)))
    assert path.read_bytes()[:4] in SKIPPABLE
    assert desk.load(path).loaded == 20


@pytest.mark.parametrize("level", ["--long=27", "--long=31"])
@pytest.mark.parametrize("partial", [False, True])
def test_a_long_window_is_no_damage(
    archive: Archive, desk: Desk, level: str, partial: bool
) -> None:
    path: Path = archive.write(name="a.jsonl.zst")
    text = lines(archive)
    path.write_bytes(run("zstd", "-q", "-c", "-1", level, given=text))
    with pytest.raises(zstandard.ZstdError):  # its window is larger than a reader allows unasked
        zstandard.ZstdDecompressor(max_window_size=1 << 23).decompress(
            path.read_bytes(), max_output_size=1 << 20
        )
    assert desk.load(path, allow_truncated=partial).loaded == 20


@pytest.mark.parametrize("partial", [False, True])
def test_a_frame_that_needs_a_dictionary_is_told_as_such(
    archive: Archive, desk: Desk, partial: bool
) -> None:
    path: Path = archive.write(name="a.jsonl.zst")
    samples: list[bytes | bytearray | memoryview] = [lines(archive, n) for n in range(1, 40)]
    dictionary = zstandard.train_dictionary(4000, samples)
    assert dictionary.dict_id() > 0
    compressor = zstandard.ZstdCompressor(dict_data=dictionary)
    path.write_bytes(zstandard.compress(lines(archive)) + compressor.compress(lines(archive)))
    with pytest.raises(ArchiveError, match=r"a\.jsonl\.zst.* dictionary.*zstd -d -D") as caught:
        desk.load(path, allow_truncated=partial)
    assert not isinstance(caught.value, DamagedFile)
    assert desk.add_up()["lines"] == 0


# -- compressed since it was read ---------------------------------------------------------------

TO: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".zst": zstandard.compress,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
}


@pytest.mark.parametrize(
    ("before", "after"), [("", ".zst"), (".zst", ""), ("", ".bz2"), (".gz", ".zst")]
)
@pytest.mark.parametrize("is_still_there", [False, True])
def test_a_file_that_was_compressed_since_is_the_same_file(
    archive: Archive, desk: Desk, before: str, after: str, is_still_there: bool
) -> None:
    text = lines(archive)
    first: Path = archive.write(name=f"a.jsonl{before}")
    first.write_bytes(TO[before](text[:-700]))
    read = desk.load(archive.folder)
    assert read.pending
    (archive.folder / f"a.jsonl{after}").write_bytes(TO[after](text))
    if not is_still_there:
        first.unlink()
    receipt = desk.load(archive.folder)
    assert (read.loaded + receipt.loaded, receipt.duplicate) == (20, 0)
    assert "read whole again" not in str(receipt)
    assert desk.load(archive.folder).lines == 0
    assert desk.column("SELECT count(*) FROM deliveries") == [20]
    numbers = desk.column("SELECT line FROM deliveries ORDER BY line")
    assert numbers == list(range(1, 21))
    desk.add_up()


def test_a_file_of_that_name_with_other_content_is_another_file(
    archive: Archive, desk: Desk
) -> None:
    archive.write(archive.raw(archive.patient(1)), name="a.jsonl")
    desk.load(archive.folder)
    packed: Path = archive.write(name="a.jsonl.zst")
    packed.write_bytes(zstandard.compress(lines(archive, 3)))
    receipt = desk.load(archive.folder)
    assert (receipt.lines, receipt.loaded, receipt.duplicate) == (3, 2, 1)
    assert receipt.files[0].note == ""
    assert desk.load(archive.folder).files_unchanged == 2
    desk.add_up()


def test_lines_are_found_again_in_a_file_that_was_compressed_since(
    archive: Archive, open_desk: OpenDesk
) -> None:
    """A limited store keeps no line of its quarantine: the archive is read again."""
    desk = open_desk()
    plain: Path = archive.write(archive.raw(archive.patient(), secret="another"), name="a.jsonl")
    desk.load(plain, privacy="limited")
    assert desk.column("SELECT content IS NULL FROM quarantine") == [True]
    plain.with_name("a.jsonl.zst").write_bytes(zstandard.compress(plain.read_bytes()))
    plain.unlink()
    again = desk.store.quarantine.replay(secrets="another")
    assert (again.loaded, again.unreadable) == (1, 0)
