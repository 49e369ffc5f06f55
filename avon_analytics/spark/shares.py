"""How the files of an archive are shared among tasks."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from math import ceil

from avon_analytics.intake.archive.compressed import READ_BYTES, FileBytes
from avon_analytics.intake.archive.files import ArchiveFile, is_compressed
from avon_analytics.intake.archive.lines import FileReader, Section
from avon_analytics.intake.write.known_files import KnownFile

MIB = 1024 * 1024
SHARE_BYTES = 128 * MIB


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
        with closing(FileReader(self.path)) as reader:
            return reader.skip(bytes_read, 0)  # values without line ends, before what is pending


def is_large(file: ArchiveFile, known: Mapping[str, KnownFile], share_bytes: int) -> bool:
    """Whether a file is worth a survey: new, on a disk, not compressed by its name, and large."""
    is_on_disk = not (is_compressed(file.path) or file.is_remote)
    return is_on_disk and file.path not in known and (file.size or 0) > 2 * share_bytes


def survey(path: str, size: int, share_bytes: int) -> Survey | None:
    """Read a plain file once, from its start to ``size``; None for one that is compressed.

    A digest of a whole file cannot be shared among tasks, and neither can line numbers.
    """
    digest = hashlib.sha256()
    to_line_end, end = digest.copy(), 0
    sections: list[Section] = []
    start, at, first_line, lines = 0, 0, 1, 0
    with closing(FileBytes(path)) as file:
        if not file.is_plain:
            return None
        while chunk := file.slice(at, min(READ_BYTES, size - at)):
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
            pieces.append((file.line_bytes, Piece(file.path, known.get(file.path), url=file.url)))
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
