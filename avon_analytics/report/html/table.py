"""A table ready to be set as HTML, and how each kind of cell is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from avon_analytics.figures import Kind
from avon_analytics.report.tables.rows import Row
from avon_analytics.report.words.headings import heading
from avon_analytics.report.words.numbers import amount, chance, count, percent, points
from avon_analytics.report.words.shares import share
from avon_analytics.report.words.text import plain


class Cell(NamedTuple):
    text: str
    note: str = ""
    """What stands behind the text, in smaller type: a denominator and interval."""


class TableColumn(NamedTuple):
    heading: str
    kind: str
    """text, number, share or code: how the cells are set."""


class Line(NamedTuple):
    name: str
    cells: Sequence[Cell]
    kind: str = ""
    """"" for a plain row, else open, sum or total."""
    tag: str = ""
    others: Sequence[str] = ()
    """What it is of besides, where that takes several columns."""


@dataclass(frozen=True)
class Table:
    """A table ready to be set: the first column names the row, or with ``others`` the first few."""

    caption: str
    first: str
    columns: Sequence[TableColumn]
    lines: Sequence[Line]
    note: str = ""
    others: Sequence[str] = ()
    """Headings of further columns that say what a row is of."""

    @property
    def has_long_names(self) -> bool:
        return any(len(line.name) > 18 for line in self.lines if line.kind != "sum")


Show = Callable[[Row, str], Cell]


def _share(row: Row, name: str) -> Cell:
    known = share(row, name)
    return Cell(percent(known.value), known.behind if known.value is not None else "")


KINDS: dict[str, tuple[str, Show]] = {
    "count": ("number", lambda row, name: Cell(count(row.get(name)))),
    "ratio": ("number", lambda row, name: Cell(percent(row.get(name)))),
    "amount": ("number", lambda row, name: Cell(amount(row.get(name)))),
    "share": ("share", _share),
    "points": ("number", lambda row, name: Cell(points(row.get(name)))),
    "chance": ("number", lambda row, name: Cell(chance(row.get(name)))),
    "text": ("text", lambda row, name: Cell(plain(row.get(name), 160))),
    "code": ("code", lambda row, name: Cell(plain(row.get(name), 160))),
}
_SETTINGS = {
    Kind.COUNT: "count",
    Kind.WHOLE: "count",
    Kind.SHARE: "share",
    Kind.RATIO: "ratio",
    Kind.DIFFERENCE: "points",
    Kind.CHANCE: "chance",
    Kind.TEXT: "text",
}


def setting_of(kind: Kind) -> str:
    """How the cells of a column of this kind are set: one of ``KINDS``."""
    return _SETTINGS.get(kind, "amount")


def cells_of(
    row: Row, columns: Mapping[str, str], names: Sequence[str] | None = None
) -> list[Cell]:
    return [KINDS[columns[name]][1](row, name) for name in names or columns]


def columns_of(columns: Mapping[str, str]) -> list[TableColumn]:
    return [TableColumn(heading(name), KINDS[kind][0]) for name, kind in columns.items()]
