"""Small counts of two tables that stand beside each other and count the same slots.

Each is blanked by itself. Where what one of them shows tells a blank of the other, by the sums
within both and by the cells that they share, the whole row is blank in both; and since the total of
a column is known, so is another row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd

from avon_analytics.appointments.small_counts import Sums
from avon_analytics.figures import cancellations, outcomes
from avon_analytics.figures.declared import Cells, Column, Kind

_OUTCOMES = outcomes.CELLS["completed"]
_CANCELLATIONS = cancellations.FIGURE.cells or Cells()
# Cells of `cancellations`, and the cells of `outcomes` that count the same slots together.
_SHARED = (
    ("n_cancelled", ("n_cancelled",)),
    ("n_by_patient", ("n_cancelled_by_patient",)),
    ("n_by_provider", ("n_cancelled_by_provider",)),
    ("n_by_unknown", ("n_cancelled_by_unknown",)),
    ("n_due", ("attended_share_n",)),
    ("n_held", ("no_show_share_n",)),
    ("n_attended", ("n_attended",)),
)


def blanked_alike(
    of_outcomes: tuple[pd.DataFrame, pd.DataFrame],
    of_cancellations: tuple[pd.DataFrame, pd.DataFrame],
    keys: list[str],
    min_count: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """``outcomes`` and ``cancellations`` of the same groups, so that neither tells of the other.

    Each comes as it is shown and with all of its counts; ``keys`` are the columns of the groups.
    """
    tables = [of_outcomes[0].copy(), of_cancellations[0].copy()]
    truths = [of_outcomes[1], of_cancellations[1]]
    places = [
        {tuple(map(str, key)): n for n, key in enumerate(table[keys].itertuples(index=False))}
        for table in tables
    ]
    both = [(n, places[1][key]) for key, n in places[0].items() if key in places[1]]
    hidden = {pair for pair in both if _is_told(tables[0].iloc[pair[0]], tables[1].iloc[pair[1]])}
    while hidden and len(hidden) < len(both) and _is_thin(tables, truths, hidden, min_count):
        rest = [pair for pair in both if pair not in hidden]
        hidden.add(min(rest, key=lambda pair: int(truths[0]["n_slots"].iloc[pair[0]])))
    for which, figure in enumerate((outcomes.FIGURE, cancellations.FIGURE)):
        rows = tables[which].index[[pair[which] for pair in sorted(hidden)]]
        for name, column in figure.spelled.items():
            if column.kind in _NUMBERS:
                tables[which].loc[rows, name] = pd.NA if column.kind is Kind.COUNT else float("nan")
    return tables[0], tables[1]


_NUMBERS = (
    Kind.COUNT, Kind.SHARE, Kind.BOUND, Kind.RATIO, Kind.HOURS, Kind.DAYS, Kind.MINUTES,
    Kind.NUMBER, Kind.DIFFERENCE, Kind.CHANCE,
)  # fmt: skip


def _counts(columns: Mapping[str, Column], cells: Cells) -> list[str]:
    return [n for n, c in columns.items() if c.kind is Kind.COUNT and n not in cells.same]


def _ties() -> Iterator[tuple[str, tuple[str, ...]]]:
    for mark, cells in (("o.", _OUTCOMES), ("c.", _CANCELLATIONS)):
        for total, parts in cells.sums:
            yield mark + total, tuple(mark + part for part in parts)
    for one, others in _SHARED:
        yield "c." + one, tuple("o." + other for other in others)


_TIES = tuple(_ties())
_CELLS = tuple(
    dict.fromkeys(
        [
            *("o." + name for name in _counts(outcomes.FIGURE.spelled, _OUTCOMES)),
            *("c." + name for name in _counts(cancellations.FIGURE.spelled, _CANCELLATIONS)),
            *(name for total, parts in _TIES for name in (total, *parts)),
        ]
    )
)
_PLACE = {name: n for n, name in enumerate(_CELLS)}
_SUMS = Sums(
    len(_CELLS), tuple((_PLACE[total], tuple(_PLACE[p] for p in parts)) for total, parts in _TIES)
)


def _is_told(told: pd.Series, told_too: pd.Series) -> bool:
    """Whether a blank of two rows follows from all that both show."""
    blank, seen = set[int](), set[int]()
    for name, place in _PLACE.items():
        row = told if name.startswith("o.") else told_too
        column = name[2:]
        if column not in row.index:
            blank.add(place)  # nobody sees it
        elif pd.isna(row[column]):
            blank.add(place)
            seen.add(place)
    return any(not _SUMS.is_free(frozenset(blank), place) for place in seen)


def _is_thin(
    tables: list[pd.DataFrame],
    truths: list[pd.DataFrame],
    hidden: set[tuple[int, int]],
    min_count: int,
) -> bool:
    """Whether the rest of a column's total is a single row, or small."""
    if len(hidden) == 1:
        return True
    for which, figure in enumerate((outcomes.FIGURE, cancellations.FIGURE)):
        rows = {pair[which] for pair in hidden}
        for name, column in figure.spelled.items():
            if column.kind is not Kind.COUNT:
                continue
            is_blank = tables[which][name].isna().to_numpy().copy()
            is_blank[sorted(rows)] = True
            if 0 < truths[which][name].to_numpy()[is_blank].sum() < min_count:
                return True
    return False
