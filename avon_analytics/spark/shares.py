"""How the files of an archive are shared among tasks."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil

from avon_analytics.intake.archive.files import COMPRESSED_SUFFIXES, ArchiveFile
from avon_analytics.intake.archive.lines import LineReader, Section
from avon_analytics.intake.write.known_files import KnownFile

MIB = 1024 * 1024
SHARE_BYTES = 128 * MIB
_INFLATED = 6  # how many bytes a byte of a compressed export stands for, roughly
_CHUNK_BYTES = 4 * MIB


@dataclass(frozen=True, slots=True)
class Piece:
    """A file, or a section of one, and what the lake knows of it."""

    path: str
    known: KnownFile | None = None
    section: Section | None = None
    url: str | None = field(default=None, repr=False)


Share = tuple[Piece, ...]
"""What one task reads, in the order of the archive."""


@dataclass(frozen=True, slots=True)
class Survey:
    """Where a large plain file can be cut, and its SHA-256: up to its last line end, and whole."""

    path: str
    sections: tuple[Section, ...]
    bytes_read: int
    bytes_to_line_end: int
    sha256_to_line_end: str
    sha256: str

    def sha256_up_to(self, bytes_read: int) -> str:
        """The digest up to where the last section was read."""
        known = {self.bytes_read: self.sha256, self.bytes_to_line_end: self.sha256_to_line_end}
        if bytes_read in known:
            return known[bytes_read]
        reader = LineReader(self.path)  # values without line ends stand before what is pending
        try:
            return reader.skip(bytes_read, 0)
        finally:
            reader.close()


def is_large(file: ArchiveFile, known: Mapping[str, KnownFile], share_bytes: int) -> bool:
    """Whether a file is worth a survey: new, on a disk, not compressed by its name, and large."""
    is_plain = not file.path.lower().endswith(COMPRESSED_SUFFIXES)
    size = file.size or 0
    return is_plain and not file.is_remote and file.path not in known and size > 2 * share_bytes


def survey(path: str, size: int, share_bytes: int) -> Survey | None:
    """Read a plain file once, from its start to ``size``; None for one that is compressed.

    A digest of a whole file cannot be shared among tasks, and neither can line numbers.
    """
    reader = LineReader(path)
    try:
        if not reader.is_plain:
            return None
    finally:
        reader.close()
    digest = hashlib.sha256()
    to_line_end, end = digest.copy(), 0
    sections: list[Section] = []
    start, at, first_line, lines = 0, 0, 1, 0
    whole = LineReader(path, section=Section(0, size, 1))
    try:
        while chunk := whole.slice(at, min(_CHUNK_BYTES, size - at)):
            cut = chunk.rfind(b"\n") + 1
            digest.update(chunk[:cut])
            if cut:
                to_line_end, end = digest.copy(), at + cut
                lines += chunk.count(b"\n")
            digest.update(chunk[cut:])
            at += len(chunk)
            if end - start >= share_bytes:
                sections.append(Section(start, end, first_line))
                start, first_line = end, lines + 1
    finally:
        whole.close()
    if at > start:
        sections.append(Section(start, at, first_line))
    return Survey(path, tuple(sections), at, end, to_line_end.hexdigest(), digest.hexdigest())


def shares_of(
    files: Sequence[ArchiveFile],
    known: Mapping[str, KnownFile],
    surveys: Mapping[str, Survey],
    share_bytes: int,
    n_cores: int,
) -> list[Share]:
    """The pieces of some files, in their order, in shares of about the same size."""
    pieces: list[tuple[int, Piece]] = []
    for file in files:
        if file.path in surveys:
            pieces += [
                (section.end - section.start, Piece(file.path, None, section))
                for section in surveys[file.path].sections
            ]
        else:
            pieces.append((inflated(file), Piece(file.path, known.get(file.path), url=file.url)))
    wanted = min(share_bytes, max(1, ceil(sum(size for size, _ in pieces) / n_cores)))
    shares: list[list[Piece]] = []
    n_bytes = wanted
    for size, piece in pieces:
        if n_bytes >= wanted:
            shares.append([])
            n_bytes = 0
        shares[-1].append(piece)
        n_bytes += size
    return [tuple(share) for share in shares]


def inflated(file: ArchiveFile) -> int:
    """About how many bytes of lines a file holds."""
    is_compressed = file.path.lower().endswith(COMPRESSED_SUFFIXES)
    return (file.size or 0) * (_INFLATED if is_compressed else 1)
