"""A file of the archive while it is read, and what an earlier load says of it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import partial

from avon_analytics.intake.archive.files import ArchiveFile
from avon_analytics.intake.archive.lines import FileReader, FileRules, Section
from avon_analytics.intake.write.line_counts import LineCounts
from avon_analytics.printable import counted

_NOT_READ = ("not_utf8", "not_json", "not_a_delivery", "too_long")
WRONG_SECRET = "was it signed with another secret?"


@dataclass(frozen=True, slots=True)
class KnownFile:
    """What an earlier load says of a file."""

    size: int | None
    modified_ns: int | None
    bytes_read: int
    last_line: int
    sha256: str
    rest_offset: int | None = None
    pending_bytes: int = 0
    is_renamed: bool = False  # it was compressed since, or decompressed

    def has_changed(self, file: ArchiveFile) -> bool:
        """Whether the disk shows another size or time of change than then."""
        if self.is_renamed or file.size is None or file.modified_ns is None:
            return True  # or its store does not say
        return (self.size, self.modified_ns) != (file.size, file.modified_ns)


def resumed(
    path: str,
    rules: FileRules,
    known: KnownFile | None,
    *,
    url: str | None,
    section: Section | None = None,
) -> tuple[FileReader, list[str]]:
    """A reader behind what is known of a file, and what is to be said of that.

    Where what was read before no longer stands there, the file is read from its start.
    """
    opened = partial(FileReader, path, rules, url=url, section=section)
    reader = opened()
    if known is None or known.sha256 == reader.skip(
        known.bytes_read, known.last_line, known.rest_offset
    ):
        return reader, []
    reader.close()
    changed = "its earlier part has changed, so it was read whole again"
    return opened(), [] if known.is_renamed else [changed]


@dataclass(frozen=True, slots=True)
class FileEnd:
    """How far a file was read, in the words of its reader."""

    bytes_read: int = 0
    next_line: int = 1
    sha256: str = ""
    rest_offset: int | None = None
    pending_bytes: int = 0
    hint: str | None = None
    is_damaged: bool = False

    @classmethod
    def of(cls, reader: FileReader) -> FileEnd:
        """What a reader says when it has come to its end."""
        return cls(**{one.name: getattr(reader, one.name) for one in fields(cls)})


@dataclass(slots=True)
class OpenFile:
    """A file while it is read: its lines so far, and what is to be said of it."""

    file: ArchiveFile
    known: KnownFile | None
    ended: LineCounts = field(default_factory=LineCounts)
    notes: list[str] = field(default_factory=list)
    end: FileEnd = FileEnd()

    @property
    def path(self) -> str:
        """What it is known by."""
        return self.file.path

    @property
    def is_worth_telling(self) -> bool:
        """Whether the file is new or brought anything."""
        is_new = self.known is None or self.known.is_renamed
        is_whole = not (self.end.pending_bytes or self.end.is_damaged)
        return is_new or self.ended.lines > 0 or bool(self.notes) or not is_whole

    def note_how_it_ended(self) -> None:
        """Add a word where the file was not read to its end, or nothing in it was trusted."""
        if self.end.is_damaged:
            n = self.end.next_line - 1
            self.notes.append(
                f"it is damaged or cut short: only its first {counted(n, 'line is', 'lines are')} "
                "loaded; load it again when it is whole"
            )
        elif self.end.pending_bytes:
            self.notes.append(pending_note(self.end.pending_bytes))
        codes = self.ended.quarantined_by_code
        if self.end.hint and any(codes[code] for code in _NOT_READ):
            self.notes.append(self.end.hint)
        # A word on a file all of whose signatures match no secret; others of the archive may.
        wrong = codes["signature_mismatch"]
        if wrong and self.ended.loaded + self.ended.duplicate == 0:
            self.notes.append(
                f"not one of its {counted(wrong, 'signature')} matched: {WRONG_SECRET}"
            )


def pending_note(pending_bytes: int) -> str:
    """What to say of a file that ends in the middle of a delivery."""
    return (
        f"it ends in the middle of a delivery: its last {pending_bytes:,} bytes are not loaded; "
        "they are read again when the file has grown"
    )
