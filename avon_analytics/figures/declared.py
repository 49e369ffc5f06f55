"""The forms in which a figure is declared: what it is called, holds, means and can be asked.

Nothing here computes. What prints, writes, draws or documents a figure reads it here, and
``appointments`` makes the figure of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pandas as pd

Customs = Literal["any", "appointment", "none"]


class Kind(StrEnum):
    """What a column holds. It decides the type, how a cell is written, and what may be blanked."""

    COUNT = "count"
    """A whole number of slots, appointments, sessions, …; small ones can be blanked."""
    SHARE = "share"
    """0 to 1, of a denominator."""
    BOUND = "bound"
    """An end of the interval of the column before it, in its unit."""
    RATIO = "ratio"
    """0 to 1, of hours or the like: no interval."""
    DIFFERENCE = "difference"
    """−1 to 1, of two shares."""
    CHANCE = "chance"
    """A p-value, or a q-value."""
    HOURS = "hours"
    DAYS = "days"
    MINUTES = "minutes"
    NUMBER = "number"
    """Any other number with a fraction."""
    WHOLE = "whole"
    """A whole number that counts nobody, such as a day since the booking."""
    FLAG = "flag"
    TEXT = "text"
    DATE = "date"


DTYPES: Mapping[Kind, str] = {
    Kind.COUNT: "int64",
    Kind.WHOLE: "int64",
    Kind.FLAG: "bool",
    Kind.TEXT: "str",
    Kind.DATE: "datetime64[us]",
}
"""The types of columns; all others are ``float64``."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a figure, or with a denominator and an interval, several.

    means: what it is, as a phrase. of: what it is divided by, in words. heading: how a reader finds
    it named; made from the name unless given. has_n: ``<name>_n``, the denominator, follows.
    has_interval: ``<name>_low`` and ``<name>_high`` follow. counts: of a share or ratio, the column
    above the line; among: those whose sum is below it, which have no row in common. in_terminal:
    whether a table for the eye has it. base: of a denominator or a bound, the column that it
    belongs to.
    """

    name: str
    kind: Kind
    means: str
    of: str = ""
    heading: str = ""
    has_n: bool = False
    has_interval: bool = False
    counts: str = ""
    among: tuple[str, ...] = ()
    in_terminal: bool = True
    base: str = ""

    @property
    def dtype(self) -> str:
        """Its type in a DataFrame, unless small counts are blanked."""
        return DTYPES.get(self.kind, "float64")

    @property
    def title(self) -> str:
        """Its heading in plain words."""
        words = self.heading or self.name.removeprefix("n_").replace("_", " ")
        return words[:1].upper() + words[1:]

    def spelled(self) -> Iterator[Column]:
        """This column and those that follow it by rule."""
        yield self
        if self.has_n:
            yield Column(
                f"{self.name}_n", Kind.COUNT, self.of, heading=f"{self.title}: of", base=self.name
            )
        if self.has_interval:
            for end, word in (("low", "lower"), ("high", "upper")):
                yield Column(
                    f"{self.name}_{end}",
                    Kind.BOUND,
                    f"{word} end of the 95 % interval",
                    heading=f"{self.title}: {word} end",
                    base=self.name,
                )


def count(name: str, means: str, heading: str = "", *, in_terminal: bool = True) -> Column:
    """A column of counts."""
    return Column(name, Kind.COUNT, means, heading=heading, in_terminal=in_terminal)


def share(
    name: str,
    means: str,
    of: str,
    heading: str = "",
    *,
    counts: str = "",
    among: tuple[str, ...] = (),
) -> Column:
    """A share, followed by its denominator and the ends of its interval."""
    return Column(
        name,
        Kind.SHARE,
        means,
        of,
        heading,
        has_n=True,
        has_interval=True,
        counts=counts,
        among=among,
    )


COMPLETE = (
    Column(
        "is_mature",
        Kind.FLAG,
        "the period and the grace after it are over, and all of it is due",
        heading="Mature",
        in_terminal=False,
    ),
    Column(
        "is_whole",
        Kind.FLAG,
        "the period lies in the window, and not before the archive begins",
        heading="Whole",
        in_terminal=False,
    ),
)
"""What every figure with periods says of them; a period is complete where both hold."""


@dataclass(frozen=True, slots=True)
class Cells:
    """How the counts of a figure hang together, so that small ones can be blanked.

    sums: each cell that is the sum of others; one of them may be counted by nobody: it is what is
    left of the total. same: columns that repeat a cell under another name. based_on: the cells
    that other columns are made of; those of a share's interval are made of what the share is.
    """

    sums: tuple[tuple[str, tuple[str, ...]], ...] = ()
    same: Mapping[str, str] = field(default_factory=dict)
    based_on: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Division:
    """What the option ``basis`` of a figure decides.

    words: what fills in ``{among}`` of its definition. cells: how its counts then hang together.
    among: the denominators of shares that are others than their columns say.
    """

    words: str
    cells: Cells
    among: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


Unit = Literal["slot", "appointment", "session", "question"]
"""What the counts of a figure count."""
Beside = Literal["every_slot", "follow_up"]
"""What a figure reads beside the cohort's rows: all slots, or what was computed of them."""


@dataclass(frozen=True, slots=True)
class Reads:
    """Which rows the SQL of a figure finds in ``population``.

    table: what they are; ``session_hours`` are slots with what became of their session's time,
    ``after_visits`` attended slots with what their patient did next.
    dated: the date that places a row in the window and in a period, in place of the cohort's.
    beside: further tables that it reads. plus: a column that the rows have besides, as SQL.
    """

    table: Literal["slots", "lifecycle", "questions", "session_hours", "after_visits"] = "slots"
    dated: Literal["start", "booked"] | None = None
    beside: tuple[Beside, ...] = ()
    plus: str | None = None


class Takes(StrEnum):
    """What an option takes."""

    CHOICE = "choice"
    WHOLE = "whole"
    NUMBER = "number"
    DATE = "date"
    TEXT = "text"
    FLAG = "flag"


class _Required:
    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED = _Required()
"""The default of an option that has none."""


@dataclass(frozen=True, slots=True)
class Option:
    """One thing that a figure can be asked beside groups and periods.

    name: the parameter of the cohort's method; ``--name`` on the command line, with hyphens.
    default: what it is unless given, or REQUIRED. length: 1; with 0 it is repeated and comes as a
    list (``--rebase DATE --rebase DATE``), with 2 it takes that many values and comes as a tuple
    (``--baseline FIRST END``). least, most: the smallest and the largest number; of: what it is a
    number of. says: what a table says below of a value, as ``{}``, unless nothing needs to be said.
    """

    name: str
    takes: Takes
    help: str
    default: Any = None
    choices: tuple[str, ...] = ()
    metavar: str = ""
    least: int | None = None
    most: int | None = None
    of: str = ""
    length: int = 1
    says: str = ""

    @property
    def is_required(self) -> bool:
        """Whether the figure cannot be asked without it."""
        return self.default is REQUIRED

    @property
    def expected(self) -> str:
        """Which whole numbers it takes, as an error says it."""
        of = f" of {self.of}" if self.of else ""
        bounds = "" if self.least is None else f" of at least {self.least:,}"
        if self.most is not None:
            bounds = f" from {self.least or 0:,} to {self.most:,}"
        example = "" if self.is_required else f", such as {self.default}"
        return f"{self.name}: expected a whole number{of}{bounds}{example}"


@dataclass(frozen=True)
class Figure:
    """One figure: the same name is the cohort's method, its SQL and, with hyphens, its command.

    title: its name for readers. question: one line, the help of its command. definition: what is
    counted and divided, with ``{names}`` of what is filled in; it becomes ``attrs["definition"]``.
    source: where the definition comes from, if from somewhere. row: what one row is. columns:
    those beside the groups and the period. has_periods: whether it takes ``every`` beside ``by``.
    options: what else it takes; its SQL may read each as a parameter, its definition as a name.
    cells: how its counts hang together; None where it blanks in a way of its own, or ``basis``
    decides. reads: which rows its SQL counts; ``reads_by_unit`` for each value of the option
    ``unit``. made: a function that adds to its rows what is neither counted there nor a share or
    ratio of counts; it is given the rows and the options.
    examples: lines for its help, without the program's name. chart: the function of
    ``avon_analytics.plot`` that draws it. by: the groups that show it best. groupings: names of
    groupings that divide nothing else, beside the general ones. general: which of the general ones
    divide it, all unless given. customs: which custom fields divide it. unit: what one row behind
    its counts is. bases: what each value of the option ``basis`` decides.
    foremost: the columns of a table for the eye, those first that stay where it is narrow; all
    unless given. adds_up: whether counts and hours of its rows add up to those of the whole;
    ``apart`` are those that do not.
    """

    name: str
    title: str
    question: str
    row: str
    definition: str
    columns: tuple[Column, ...]
    examples: tuple[str, ...]
    source: str = ""
    has_periods: bool = False
    options: tuple[Option, ...] = ()
    cells: Cells | None = None
    chart: str | None = None
    by: tuple[str, ...] = ()
    groupings: tuple[str, ...] = ()
    general: tuple[str, ...] | None = None
    customs: Customs = "any"
    unit: Unit = "slot"
    reads: Reads = Reads()
    reads_by_unit: Mapping[str, Reads] = field(default_factory=dict)
    bases: Mapping[str, Division] = field(default_factory=dict)
    made: Callable[[pd.DataFrame, Mapping[str, Any]], None] | None = None
    foremost: tuple[str, ...] = ()
    adds_up: bool = True
    apart: tuple[str, ...] = ()

    @property
    def command(self) -> str:
        """Its name on the command line."""
        return self.name.replace("_", "-")

    @cached_property
    def spelled(self) -> Mapping[str, Column]:
        """All its columns by name, those of denominators and intervals among them, in order."""
        return {one.name: one for column in self.columns for one in column.spelled()}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of all its columns, in order."""
        return tuple(self.spelled)

    @cached_property
    def row_names(self) -> tuple[str, ...]:
        """The columns that tell its rows apart beside groups and period, such as ``stage``."""
        kinds = (Kind.TEXT, Kind.WHOLE)
        return tuple(takewhile(lambda name: self.spelled[name].kind in kinds, self.names))

    @cached_property
    def shares(self) -> tuple[str, ...]:
        """The names of its shares, each with denominator and interval."""
        return tuple(column.name for column in self.columns if column.has_n)

    @cached_property
    def in_tables(self) -> tuple[Column, ...]:
        """The columns of a table for the eye, the foremost first; each share stands for its own."""
        names = self.foremost or [
            one.name for one in self.columns if one.in_terminal and not one.base
        ]
        return tuple(self.spelled[name] for name in names if name not in self.row_names)

    def reads_of(self, options: Mapping[str, Any]) -> Reads:
        """Which rows are counted, with these options."""
        return self.reads_by_unit.get(options.get("unit", ""), self.reads)

    def among(self, share: str, basis: str | None = None) -> tuple[str, ...]:
        """The counts whose sum a share is divided by; they have no row in common."""
        of_basis = self.bases[basis].among if basis is not None and basis in self.bases else {}
        return of_basis.get(share) or self.spelled[share].among
