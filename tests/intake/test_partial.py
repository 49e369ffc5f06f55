"""Files that are cut short or damaged: told, and loaded up to the damage only when asked to."""

from __future__ import annotations

import bz2
import gzip
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import zstandard

from avon_analytics.errors import ArchiveError, DamagedFile

if TYPE_CHECKING:
    from tests.intake.conftest import Archive, Desk, OpenDesk

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".zst": zstandard.compress,
    ".bz2": bz2.compress,
}
N_LINES = 100


def lines(archive: Archive) -> list[str]:
    """Signed lines that do not compress well, so that a cut falls between some of them."""
    notes = [hashlib.sha256(bytes([n % 256, n // 256])).hexdigest() * 240 for n in range(N_LINES)]
    return [archive.raw(archive.patient(n, note=note)) for n, note in enumerate(notes)]


def spoil(whole: bytes, how: str) -> bytes:
    at = len(whole) * 2 // 3
    if how == "cut":
        return whole[:at]
    return whole[:at] + bytes(byte ^ 0x55 for byte in whole[at : at + 40]) + whole[at + 40 :]


@pytest.mark.parametrize("batch_bytes", [1, 1 << 24], ids=["many batches", "one batch"])
@pytest.mark.parametrize(
    ("suffix", "how"),
    # Bytes that were flipped in a .zst without checksums are found by the signatures alone.
    [(".gz", "cut"), (".gz", "flipped"), (".bz2", "cut"), (".bz2", "flipped"), (".zst", "cut")],
)
def test_what_stands_before_the_damage_is_loaded_when_asked_for(
    archive: Archive, desk: Desk, suffix: str, how: str, batch_bytes: int
) -> None:
    text = lines(archive)
    whole = COMPRESS[suffix]("".join(line + "\n" for line in text).encode())
    first = archive.write(archive.raw(archive.patient(-1)), name="a.jsonl")
    path: Path = archive.write(name=f"b.jsonl{suffix}")
    path.write_bytes(spoil(whole, how))
    last = archive.write(archive.raw(archive.patient(-2)), name="c.jsonl")
    within = {"batch_bytes": batch_bytes}

    with pytest.raises(DamagedFile, match=r"b\.jsonl.*nothing of it was loaded.*--partial"):
        desk.load(first, path, last, within=within)
    assert desk.add_up()["lines"] == 1

    receipt = desk.load(first, path, last, allow_truncated=True, within=within)
    told = {Path(file.file).name: file for file in receipt.files}
    damaged = told[path.name]
    # Nothing of the damage gets in, and little of what stands before it stays out.
    assert (damaged.is_partial, told["c.jsonl"].is_partial) == (True, False)
    assert damaged.quarantined == 0 or how == "flipped"
    assert N_LINES * 0.2 < damaged.loaded < N_LINES * 0.8
    assert f"only its first {damaged.lines} lines" in damaged.note
    assert "only its first" in str(receipt)
    found = desk.rows("SELECT line, byte_offset FROM deliveries WHERE file = $f", f=str(path))
    offsets = [sum(len(line) + 1 for line in text[:n]) for n in range(N_LINES)]
    assert sorted(found) == [(n + 1, offsets[n]) for n in range(damaged.lines)]
    desk.add_up()

    # It is looked at again although it is the same: what is missing is not passed over in silence.
    again = desk.load(first, path, last, allow_truncated=True, within=within)
    assert (again.files_unchanged, again.lines, len(again.files)) == (2, 0, 1)
    assert again.files[0].is_partial
    with pytest.raises(DamagedFile):
        desk.load(first, path, last, within=within)

    path.write_bytes(whole)
    receipt = desk.load(first, path, last, within=within)
    assert receipt.loaded == N_LINES - damaged.loaded
    assert receipt.duplicate in (0, damaged.loaded)
    assert not receipt.files[0].is_partial
    assert desk.load(first, path, last).files_unchanged == 3
    assert desk.column("SELECT count(*) FROM events") == [N_LINES + 2]
    if how == "cut":
        assert desk.add_up()["lines"] == N_LINES + 2


@pytest.mark.parametrize("suffix", COMPRESS)
def test_every_cut_of_a_small_file_is_read_up_to_its_last_whole_line(
    archive: Archive, open_desk: OpenDesk, suffix: str
) -> None:
    text = [archive.raw(archive.patient(n)) for n in range(3)]
    whole = COMPRESS[suffix]("".join(line + "\n" for line in text).encode())
    for cut in [*range(4, len(whole), 97), len(whole) - 1]:
        desk = open_desk()
        path: Path = archive.write(name=f"cut-{cut}.jsonl{suffix}")
        path.write_bytes(whole[:cut])
        (file,) = desk.load(path, allow_truncated=True).files
        assert file.is_partial
        assert (file.lines, file.quarantined) == (file.loaded, 0)
        path.write_bytes(whole)
        assert desk.load(path).loaded == 3 - file.loaded
        assert desk.add_up() == {**desk.add_up(), "lines": 3, "loaded": 3}
        desk.store.close()


def test_a_cut_inside_a_line_over_the_limit_leaves_it_for_later(
    archive: Archive, desk: Desk
) -> None:
    good = archive.raw(archive.patient(1)).encode()
    noise = b"".join(
        hashlib.sha512(bytes([n % 256, n >> 8])).hexdigest().encode() for n in range(500)
    )
    whole = gzip.compress(good + b"\n" + noise + b"\n" + good + b"\n")
    path: Path = archive.write(name="a.jsonl.gz")
    path.write_bytes(whole[: len(whole) // 2])
    within = {"line_limit": 2000, "batch_bytes": 1}
    (file,) = desk.load(path, allow_truncated=True, within=within).files
    assert (file.lines, file.loaded, file.is_partial) == (1, 1, True)
    path.write_bytes(whole)
    receipt = desk.load(path, within=within)
    assert (receipt.quarantined_by_code, receipt.duplicate) == ({"too_long": 1}, 1)
    assert desk.column("SELECT sha256 FROM quarantine") == [hashlib.sha256(noise).hexdigest()]
    desk.add_up()


def test_a_file_that_cannot_be_read_is_no_damage(archive: Archive, desk: Desk) -> None:
    with pytest.raises(ArchiveError) as caught:
        desk.load(archive.folder / "none.jsonl.gz", allow_truncated=True)
    assert not isinstance(caught.value, DamagedFile)
