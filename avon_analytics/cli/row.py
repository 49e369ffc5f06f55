"""Which row of a figure is meant by somebody who has read it in a table or in an export."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from avon_analytics.arguments import choice
from avon_analytics.cli.options import Every
from avon_analytics.errors import UsageError
from avon_analytics.figures import FIGURES
from avon_analytics.figures.names import CUSTOM
from avon_analytics.suggestions import meant_word, repeated

if TYPE_CHECKING:
    import pandas as pd

_PERIOD = "period_on"
_LENGTHS = tuple(one.value for one in Every)


def row_label(shown: pd.DataFrame, rows: list[str]) -> Any:
    """The label of the only row that is as these say, each ``COLUMN=VALUE``.

    Raises UsageError where no row is so, and where several are.
    """
    found = shown
    for text in rows:
        column, value = pair(text, "--row", "COLUMN=VALUE")
        _need_column(shown, column)
        spelled = _spellings(shown, found, column)
        kept = [value.casefold() in {one.casefold() for one in both} for both in spelled]
        if not any(kept):
            raise _no_row(column, value, spelled)
        found = found[kept]
    if len(found) != 1:
        keys = [*shown.attrs["by"], *([_PERIOD] if _PERIOD in shown else [])]
        keys += FIGURES[shown.attrs["figure"]].row_names
        which = f"; say which with --row ({', '.join(dict.fromkeys(keys))})" if keys else ""
        raise UsageError(f"--row: {len(found):,} rows of the figure are so{which}")
    return found.index[0]


def pair(text: str, option: str, form: str) -> tuple[str, str]:
    """A name and a value with a ``=`` between them. Raises UsageError where there is none."""
    name, sign, value = text.partition("=")
    if not sign:
        raise UsageError(f"{option} {text!r}: expected {form}")
    return name, value


def _need_column(shown: pd.DataFrame, column: str) -> None:
    takes_periods, has_periods = FIGURES[shown.attrs["figure"]].has_periods, _PERIOD in shown
    if takes_periods and not has_periods and column in {_PERIOD, *_LENGTHS}:
        raise UsageError(f"--row {column}: the figure has one row for all: say --every, too")
    called = dict.fromkeys(_LENGTHS, _PERIOD) if has_periods else {}
    choice("column", column, [str(one) for one in shown], called=called)


def _spellings(shown: pd.DataFrame, found: pd.DataFrame, column: str) -> list[tuple[str, str]]:
    """How each cell of those found is written: in an export, and in the table for the eye."""
    from avon_analytics.report.tables.names import named
    from avon_analytics.report.terminal.cells import period_name, written
    from avon_analytics.report.words.periods import every_of
    from avon_analytics.table_files import plain

    stored = ["" if (one := plain(cell)) is None else str(one) for cell in found[column]]
    if column == _PERIOD:
        every = every_of(shown)
        return list(zip(stored, [period_name(on, every) for on in found[column]], strict=True))
    seen = named(shown)
    cells = seen.loc[found.index, column] if column in seen else found[column]
    return list(zip(stored, written(cells), strict=True))


def _no_row(column: str, value: str, spelled: list[tuple[str, str]]) -> UsageError:
    """What is said of a value that no row has; of texts that people type nothing is repeated."""
    is_typed = column in {"name", "reason"} or column.startswith(CUSTOM)
    which = f"this {column}" if is_typed else f"{column} {repeated(value)}"
    hint = "" if is_typed else meant_word(value, dict.fromkeys(seen for _, seen in spelled))
    as_seen = "give it as the table has it, or --format csv"
    return UsageError(f"--row: no row of the figure has {which}; {as_seen}.{hint}")
