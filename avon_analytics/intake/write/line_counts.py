"""How many lines ended where."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class LineCounts:
    """Where some lines ended."""

    blank: int = 0
    loaded: int = 0
    duplicate: int = 0
    quarantined_by_code: Counter[str] = field(default_factory=Counter)

    @property
    def quarantined(self) -> int:
        """Lines that did not load."""
        return self.quarantined_by_code.total()

    @property
    def lines(self) -> int:
        """``blank + loaded + duplicate + quarantined``."""
        return self.blank + self.loaded + self.duplicate + self.quarantined

    def count(self, word: str, code: str | None, n: int) -> None:
        """Count ``n`` lines that ended as ``loaded``, ``duplicate`` or ``quarantined``."""
        if word == "quarantined":
            self.quarantined_by_code[str(code)] += n
        elif word == "loaded":
            self.loaded += n
        else:
            self.duplicate += n

    def add(self, other: LineCounts) -> None:
        """Count some more lines."""
        self.blank += other.blank
        self.loaded += other.loaded
        self.duplicate += other.duplicate
        self.quarantined_by_code.update(other.quarantined_by_code)
