"""A file of the archive while it is read, and what an earlier load says of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from avon_analytics.intake.archive.files import ArchiveFile
from avon_analytics.intake.archive.lines import LineReader
from avon_analytics.intake.write.line_counts import LineCounts
from avon_analytics.printable import counted

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
        """Whether the disk tells another size or time of change than then."""
        if self.is_renamed or file.size is None or file.modified_ns is None:
            return True  # or its store does not tell
        return (self.size, self.modified_ns) != (file.size, file.modified_ns)


@dataclass(slots=True)
class OpenFile:
    """A file while it is read: its lines so far, and what is to be told of it."""

    file: ArchiveFile
    reader: LineReader
    is_new: bool
    ended: LineCounts = field(default_factory=LineCounts)
    notes: list[str] = field(default_factory=list)

    @property
    def is_worth_telling(self) -> bool:
        """Whether the file is new or brought anything."""
        reader = self.reader
        is_whole = not (reader.pending_bytes or reader.is_damaged)
        return self.is_new or self.ended.lines > 0 or bool(self.notes) or not is_whole

    def note_how_it_ended(self) -> None:
        """Add a word where the file was not read to its end, or nothing in it was trusted."""
        if self.reader.is_damaged:
            n = self.reader.next_line - 1
            self.notes.append(
                f"it is damaged or cut short: only its first {counted(n, 'line is', 'lines are')} "
                "loaded; load it again when it is whole"
            )
        elif self.reader.pending_bytes:
            self.notes.append(pending_note(self.reader.pending_bytes))
        if self.reader.hint and self._has_what_could_not_be_read:
            self.notes.append(self.reader.hint)
        # A word on a file all of whose signatures match no secret; others of the archive may.
        wrong = self.ended.quarantined_by_code["signature_mismatch"]
        if wrong and self.ended.loaded + self.ended.duplicate == 0:
            self.notes.append(
                f"not one of its {counted(wrong, 'signature')} matched: {WRONG_SECRET}"
            )

    @property
    def _has_what_could_not_be_read(self) -> bool:
        codes = self.ended.quarantined_by_code
        return any(codes[code] for code in ("not_utf8", "not_json", "not_a_delivery", "too_long"))


def pending_note(pending_bytes: int) -> str:
    """What to say of a file that ends in the middle of a delivery."""
    return (
        f"it ends in the middle of a delivery: its last {pending_bytes:,} bytes are not loaded; "
        "they are read again when the file has grown"
    )
