"""How an object shows itself, in a notebook and as plain text: a small table, said once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from html import escape
from itertools import zip_longest
from typing import ClassVar

from avon_analytics.printable import printable

_LEFT = "text-align:left"
_NUMBER = "text-align:right;font-variant-numeric:tabular-nums"


@dataclass(frozen=True, slots=True)
class Summary:
    """What an object shows: a title, rows of texts, and sentences before and behind them.

    A row begins with its label; two blanks before it put it one level below the row above. Each
    text is one line, whatever a file's name in it holds.
    """

    title: str
    rows: Sequence[tuple[str, ...]]
    warning: str | None = None
    notes: Sequence[str] = ()

    heads: ClassVar[tuple[str, ...]] = ()
    """What stands over the columns; nothing where a reader needs none."""
    styles: ClassVar[tuple[str, ...]] = (_LEFT, _LEFT, _LEFT)
    """How the columns are set."""

    def as_text(self) -> str:
        """The rows below each other in aligned columns."""
        before = [self.warning] if self.warning else []
        return "\n".join([*before, *self._lines(), *map(printable, self.notes)])

    def as_html(self) -> str:
        """The same as a table with a caption; without a script, and every text escaped."""
        caption = f'<caption style="{_LEFT}"><strong>{escape(self.title)}</strong></caption>'
        heads = "".join(
            f'<th scope="col" style="{_LEFT}">{escape(head)}</th>' for head in self.heads
        )
        head = f"<thead><tr>{heads}</tr></thead>" if heads else ""
        rows = "".join(f"<tr>{self._cells(row)}</tr>" for row in self.rows)
        before = f"<p><strong>{escape(self.warning)}</strong></p>" if self.warning else ""
        after = "".join(f"<p>{escape(printable(note))}</p>" for note in self.notes)
        return f"{before}<table>{caption}{head}<tbody>{rows}</tbody></table>{after}"

    def _lines(self) -> list[str]:
        return [self.title, *(f"  {line}" for line in aligned(self.rows))]

    def _cells(self, row: tuple[str, ...]) -> str:
        label, *others = row
        depth = (len(label) - len(label.lstrip())) // 2
        inset = f";padding-left:{depth + 0.5:g}em" if depth else ""
        cells = [f'<th scope="row" style="{_LEFT}{inset}">{escape(label.strip())}</th>']
        cells += [
            f'<td style="{style}">{escape(printable(text))}</td>'
            for style, text in zip(self.styles[1:], others, strict=False)
        ]
        return "".join(cells)


class Counts(Summary):
    """Rows of a label, a number and what it means. As text they stand without their title."""

    __slots__ = ()

    styles: ClassVar[tuple[str, ...]] = (_LEFT, _NUMBER, _LEFT)

    def _lines(self) -> list[str]:
        return aligned(self.rows, right=1)


class Findings(Summary):
    """Rows of what was looked at, what was found, and in a sentence what it means."""

    __slots__ = ()

    heads: ClassVar[tuple[str, ...]] = ("check", "finding", "meaning")

    def _lines(self) -> list[str]:
        findings = [f"\n{check}: {finding}\n  {meaning}" for check, finding, meaning in self.rows]
        return [self.title, *findings]


def aligned(rows: Sequence[tuple[str, ...]], right: int | None = None) -> list[str]:
    """Rows of texts as lines, each column as wide as its longest text; one may be set right."""
    rows = [tuple(map(printable, row)) for row in rows]
    widths = [max(map(len, column)) for column in zip_longest(*rows, fillvalue="")]
    return [
        "  ".join(
            f"{text:>{width}}" if nth == right else f"{text:<{width}}"
            for nth, (text, width) in enumerate(zip(row, widths, strict=False))
        ).rstrip()
        for row in rows
    ]


class Shown(ABC):
    """An object that shows itself by its summary, and offers for completion what users call."""

    __slots__ = ()

    @abstractmethod
    def _summary(self) -> Summary:
        """What it shows."""

    def __repr__(self) -> str:
        return self._summary().as_text()

    def _repr_html_(self) -> str:
        return self._summary().as_html()

    def __dir__(self) -> list[str]:
        """The fields, methods and properties that users call, and nothing else."""
        found = {
            name: what for kind in type(self).__mro__[::-1] for name, what in vars(kind).items()
        }
        called = {
            name for name, what in found.items() if callable(what) or isinstance(what, property)
        }
        named: set[str] = {one.name for one in fields(self)} if is_dataclass(self) else set()
        return sorted(name for name in called | named if not name.startswith("_"))
