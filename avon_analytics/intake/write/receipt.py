"""The receipt of a load: where every line ended, per file and in all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from avon_analytics.display import Counts, Shown
from avon_analytics.intake.read.codes import meaning
from avon_analytics.intake.write.clock import Clock
from avon_analytics.intake.write.known_files import WRONG_SECRET, pending_note
from avon_analytics.printable import counted


@dataclass(frozen=True, slots=True)
class FileReceipt:
    """Where the lines of one file ended.

    ``is_partial``: the file is damaged or cut short, and only what stands before that was read.
    """

    file: str
    blank: int = 0
    loaded: int = 0
    duplicate: int = 0
    quarantined: int = 0
    quarantined_by_code: Mapping[str, int] = field(default_factory=dict)
    pending_bytes: int = 0
    note: str = ""
    is_partial: bool = False

    @property
    def lines(self) -> int:
        """``blank + loaded + duplicate + quarantined``."""
        return self.blank + self.loaded + self.duplicate + self.quarantined


@dataclass(frozen=True, slots=True, repr=False)
class Receipt(Shown):
    """Where every line of a load ended.

    ``lines = blank + loaded + duplicate + quarantined``, in all and for each of ``files``. A file
    known to be unchanged is not read again and counts in ``files_unchanged`` alone; files in
    folders that are no archive files count in ``files_passed_over``. ``events`` is what the store
    holds after the load. ``pending`` names each file, read or unchanged, that ends in the middle of
    a delivery, and how many bytes of it stand there: no line yet, and not loaded. ``irregular``
    names what is neither a file nor a folder. ``nothing_trusted`` says that not one line could be
    trusted, ``nothing_read`` that not one was even a delivery. ``slots_kept`` is False where the
    store is large and its slots could not be kept, so that each program computes them at its first
    figure. ``clock.seconds`` says where the time went.
    """

    files: tuple[FileReceipt, ...]
    files_unchanged: int
    files_passed_over: int
    policy: str
    secrets: tuple[str, ...]
    events: int
    nothing_trusted: bool = False
    nothing_read: bool = False
    privacy: str = "full"
    pending: Mapping[str, int] = field(default_factory=dict)
    irregular: tuple[str, ...] = ()
    slots_kept: bool = True
    clock: Clock = field(default_factory=Clock, compare=False)

    @property
    def blank(self) -> int:
        """Blank lines."""
        return sum(file.blank for file in self.files)

    @property
    def loaded(self) -> int:
        """Lines that reported a new event."""
        return sum(file.loaded for file in self.files)

    @property
    def duplicate(self) -> int:
        """Lines that reported a known event again."""
        return sum(file.duplicate for file in self.files)

    @property
    def quarantined(self) -> int:
        """Lines that did not load."""
        return sum(file.quarantined for file in self.files)

    @property
    def lines(self) -> int:
        """All lines that were read."""
        return sum(file.lines for file in self.files)

    @property
    def quarantined_by_code(self) -> dict[str, int]:
        """Lines that did not load, by reason, the most frequent first."""
        counts: Counter[str] = Counter()
        for file in self.files:
            counts.update(file.quarantined_by_code)
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    def as_dict(self) -> dict[str, Any]:
        """The receipt as plain values, for JSON."""
        return {
            **{name: getattr(self, name) for name in _COUNTS},
            "quarantined_by_code": self.quarantined_by_code,
            "files_read": len(self.files),
            "files_unchanged": self.files_unchanged,
            "files_passed_over": self.files_passed_over,
            "policy": self.policy,
            "privacy": self.privacy,
            "secrets": list(self.secrets),
            "events": self.events,
            "nothing_trusted": self.nothing_trusted,
            "nothing_read": self.nothing_read,
            "pending": dict(self.pending),
            "irregular": list(self.irregular),
            "slots_kept": self.slots_kept,
            "files": [{**asdict(file), "lines": file.lines} for file in self.files],
        }

    def _rows(self) -> Iterable[tuple[str, str, str]]:
        if self.files or not self.files_unchanged:
            yield "Lines read", f"{self.lines:,}", self._files_text()
            yield from self._ends()
        else:
            also = f"; {self.files_passed_over:,} passed over" if self.files_passed_over else ""
            yield (
                "Files unchanged",
                f"{self.files_unchanged:,}",
                f"loaded before, not read again{also}",
            )
        limited = ", a limited data set" if self.privacy == "limited" else ""
        yield "Events in the store", f"{self.events:,}", f"policy {self.policy}{limited}"

    def _ends(self) -> Iterable[tuple[str, str, str]]:
        yield "  blank", f"{self.blank:,}", ""
        yield "  loaded", f"{self.loaded:,}", "new events"
        yield "  duplicate", f"{self.duplicate:,}", "events reported again"
        yield "  quarantined", f"{self.quarantined:,}", "not loaded" if self.quarantined else ""
        for code, count in self.quarantined_by_code.items():
            yield f"    {code}", f"{count:,}", meaning(code)

    def _files_text(self) -> str:
        n = len(self.files)
        parts = [f"from {counted(n, 'file')}"]
        if self.files_unchanged:
            parts.append(f"{self.files_unchanged:,} unchanged and not read again")
        if self.files_passed_over:
            parts.append(f"{self.files_passed_over:,} passed over")
        return ", ".join(parts)

    @property
    def warning(self) -> str | None:
        """The sentence that another kind of file deserves, or a wrong secret; None for neither."""
        if self.nothing_read:
            return (
                "NOT ONE LINE could be read as a delivery. Is it an archive of webhook calls, one "
                "JSON object a line, in UTF-8?"
            )
        if not self.nothing_trusted:
            return None
        tried = ", ".join(self.secrets)
        secrets = f"the secret {tried}" if len(self.secrets) == 1 else f"the secrets {tried}"
        return (
            "NOT ONE LINE could be trusted: no signature matched "
            f"({'tried ' + secrets if tried else 'no secret was tried'}). "
            "Is it the right webhook secret?"
        )

    def _notes(self) -> list[str]:
        notes = {file.file: [note] for file in self.files if (note := self._note(file))}
        read = {file.file for file in self.files if file.pending_bytes}
        for path, n in self.pending.items():
            if path not in read:
                notes.setdefault(path, []).append(pending_note(n))
        sentences = [f"{path}: {'; '.join(notes[path])}" for path in sorted(notes)]
        sentences += [
            f"{path}: neither a file nor a folder, passed over" for path in self.irregular
        ]
        if not self.slots_kept:
            sentences.append(
                "slots could not be kept, for want of memory or because another process writes the "
                "store: every program computes them at its first figure, until a load keeps them"
            )
        return sentences

    def _note(self, file: FileReceipt) -> str:
        """What is to be said of a file; a wrong secret was reported of all of them at once."""
        if not self.warning:
            return file.note
        return "; ".join(one for one in file.note.split("; ") if not one.endswith(WRONG_SECRET))

    def _summary(self) -> Counts:
        return Counts("Receipt of the load", list(self._rows()), self.warning, self._notes())


_COUNTS = ("lines", "blank", "loaded", "duplicate", "quarantined")
