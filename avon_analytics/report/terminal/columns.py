"""Columns of a terminal's table: which fit beside one another, and where their headings break."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from textwrap import wrap

from avon_analytics.report.words.letters import in_cells
from avon_analytics.report.words.paths import shortened
from avon_analytics.report.words.text import told_apart

GAP = 2
NARROWEST = 14
FOLDED = 24

# What gives way where the terminal is narrow: the intervals first, the groups and periods never.
INTERVAL, DENOMINATOR, DETAIL, COUNT, SHARE, NEVER = range(6)
TOGETHER = {INTERVAL: "intervals", DENOMINATOR: "denominators"}

_HYPHENED = {
    "Cancelled": "Cancel- led",
    "Difference": "Differ- ence",
    "Rescheduled": "Resched- uled",
    "Unreadable": "Unread- able",
    "Unresolved": "Unre- solved",
    "Unsigned": "Un- signed",
    "Unverifiable": "Unveri- fiable",
}


@dataclass(frozen=True)
class TextColumn:
    """One column as text, and when it gives way."""

    name: str
    heading: str
    cells: list[str]
    gives_way: int
    right: bool = True
    is_path: bool = False
    whole: list[str] | None = None
    """The cells before they were cut."""
    base: str = ""
    """The column of the figure that it belongs to."""
    folds: bool = False
    """Its cells are sentences, which may take several lines: it has the room that others leave."""
    is_typed: bool = False
    """Its cells are words that somebody types as they stand: they are not cut."""

    @property
    def width(self) -> int:
        """The cells that it takes at the least, its heading broken wherever that may be."""
        longest = max(map(in_cells, [*self.broken_heading, *self.cells]))
        return min(longest, FOLDED) if self.folds else longest

    def cut(self, width: int) -> TextColumn:
        """The same, no wider than this."""
        whole = self.whole or self.cells
        of_all = shortened if self.is_path else told_apart
        return replace(self, cells=of_all(whole, width, in_cells), whole=whole)

    def heading_of(self, n_lines: int) -> list[str]:
        """The heading in at most so many lines, as narrow as that may be; no word is broken."""
        words = [self.heading] if self.gives_way == INTERVAL else self.heading.split()
        longest = max(map(in_cells, [*words, *self.cells]))
        for width in range(longest, len(self.heading)):
            lines = wrap(" ".join(words), width, break_on_hyphens=False)
            if len(lines) <= n_lines:
                return lines
        return [self.heading]

    @property
    def broken_heading(self) -> list[str]:
        """The heading as narrow as it may be: each word on a line, the longest broken."""
        if self.gives_way == INTERVAL:
            return [self.heading]
        return _HYPHENED.get(self.heading, self.heading).split()


def width_of(columns: Sequence[TextColumn], gap: int = GAP) -> int:
    """How wide these columns are side by side, at the least."""
    return sum(column.width + gap for column in columns) - gap


def headed(columns: Sequence[TextColumn], width: int | None, gap: int) -> list[str]:
    """Their headings on as few lines as the width allows; words break where nothing else helps."""
    most = max((len(column.broken_heading) for column in columns), default=1)
    found: list[list[str]] = []
    for n_lines in range(1, most + 1):
        found = [column.heading_of(n_lines) for column in columns]
        for nth, column in reversed(list(enumerate(columns))):
            if _is_too_wide(columns, found, width, gap) and len(column.broken_heading) <= n_lines:
                found[nth] = column.broken_heading
        if not _is_too_wide(columns, found, width, gap):
            break
    return ["\n".join(lines) for lines in found]


def _is_too_wide(
    columns: Sequence[TextColumn], headings: Sequence[list[str]], width: int | None, gap: int
) -> bool:
    taken = (
        max(map(in_cells, [*lines, *column.cells])) + gap
        for column, lines in zip(columns, headings, strict=True)
    )
    return width is not None and sum(taken) - gap > width


def fitted(
    columns: list[TextColumn], width: int | None, gap: int
) -> tuple[list[TextColumn], list[TextColumn]]:
    """The columns that fit, and those that had to give way, each in their order."""
    # A path without the folder that all share: what of it may be cut drives out no other column.
    shown = [column.cut(100) if column.is_path else column for column in columns]
    while width is not None and width_of(shown, gap) > width:
        first = min(column.gives_way for column in shown)
        if first == NEVER:
            break
        ready = [column for column in shown if column.gives_way == first]
        # Half of the intervals or of the denominators help nobody: these go together.
        gone = ready if first in TOGETHER else ready[-1:]
        shown = [column for column in shown if column not in gone]
    names = {column.name for column in shown}
    hidden = [column for column in columns if column.name not in names]
    return squeezed(shown, width, gap), hidden


def first_that_fit(columns: list[TextColumn], width: int | None, gap: int) -> list[TextColumn]:
    """The first columns, as many as fit when each is as narrow as may be; one at least."""
    taken = 0
    for nth, column in enumerate(columns):
        (narrow,) = squeezed([column], NARROWEST, gap)
        taken += narrow.width + gap
        if width is not None and nth and taken - gap > width:
            return columns[:nth]
    return columns


def squeezed(columns: list[TextColumn], width: int | None, gap: int) -> list[TextColumn]:
    """Long texts and paths cut, the longest first, until the columns fit side by side."""
    over = 0 if width is None else width_of(columns, gap) - width
    stays: set[str] = set()  # what is as wide as its heading, or would no longer be told apart
    while over > 0:
        widest = max(
            (
                each
                for each in columns
                if not (each.right or each.folds or each.is_typed)
                and each.width > NARROWEST
                and not each.name.endswith("_at")
                and each.name not in stays
            ),
            key=lambda each: each.width,
            default=None,
        )
        if widest is None:
            break
        # Down to the next widest one at most, so that none is cut while a longer one is whole.
        others = [each.width for each in columns if not each.right and each.width < widest.width]
        least = max([NARROWEST, widest.width - over, *others])
        narrower = widest.cut(least if least < widest.width else widest.width - 1)
        if narrower.width == widest.width:
            stays.add(widest.name)
        over -= widest.width - narrower.width
        columns = [narrower if each.name == widest.name else each for each in columns]
    return columns
