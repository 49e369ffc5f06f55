"""Blanking small counts, and what would reveal them by subtraction in the same table.

A count from 1 to just below ``min_count`` is small; a zero tells of nobody and stays, as in the
cell size policy of the Centers for Medicare & Medicaid Services. So are differences that nobody
shows but anybody can take, such as those cancelled less those cancelled late. Counts of a row are
tied by sums (``n_cancelled`` is the sum of three others), and a column's total over all rows is
taken as known from another table. So further cells are blanked, the smallest first, until three
things hold:

1. Within a row no blank is fixed by the sums: another blank can make up for any change of it.
2. What subtraction does tell, the sum of a few blanks, is not small itself, along rows and columns.
3. Each row with blanks has a companion in which at least the same cells are blank. A change that
   the sums of the row allow can thus be taken back in the companion, and no total notices.

By 1 and 3 no blanked cell follows from what is left, by whatever sequence of sums.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from functools import cache
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from avon_analytics.appointments.statistics.arrays import Flags, Ints
from avon_analytics.arguments import whole_number
from avon_analytics.figures.declared import Cells, Column, Kind

if TYPE_CHECKING:
    import pandas as pd

_MOST = 2**63 - 1
_MOST_ADDED = 3  # cells that are tried together before a whole row is blanked
_MANY = 24  # cells of which no three are tried together
_LAST_RESORT = 10**12  # what blanking a zero costs: it shields nothing, as zeros are shown


def checked_min_count(given: int) -> int:
    """A bound for small counts: a whole number, 0 for none. Raises UsageError for another."""
    expected = "min_count: expected a whole number such as 11, or 0 to blank nothing"
    return whole_number(given, 0, _MOST, expected)


def blank_small(
    rows: pd.DataFrame, columns: Mapping[str, Column], cells: Cells, min_count: int
) -> pd.DataFrame:
    """The rows with small counts, and all that would tell them, missing; counts as ``Int64``.

    ``columns`` are all of the figure's; further columns of ``rows`` are counts that it rests on.
    """
    names = _cell_names(columns, cells)
    values = rows[list(names)].to_numpy(dtype=np.int64).reshape(len(rows), len(names))
    blanks = blanked(values, names, cells, min_count, unseen=set(names) - set(columns))
    return with_blanks(rows, columns, cells, dict(zip(names, blanks.T, strict=True)), min_count)


def with_blanks(
    rows: pd.DataFrame,
    columns: Mapping[str, Column],
    cells: Cells,
    blanks: Mapping[str, Flags],
    min_count: int,
) -> pd.DataFrame:
    """The rows with these cells missing, and with them what repeats them or rests on them."""
    shown = rows.copy()

    def is_hidden(name: str) -> Flags:
        name = cells.same.get(name, name)
        if name in blanks:
            return blanks[name]
        counts = rows[name].to_numpy(dtype=np.int64)
        return (counts > 0) & (counts < min_count)

    for name, column in columns.items():
        is_count = column.kind is Kind.COUNT
        sources = cells.based_on.get(column.base if column.kind is Kind.BOUND else name, ())
        hidden = np.zeros(len(rows), dtype=bool)
        for other in (*sources, *((name,) if is_count else ())):
            hidden |= is_hidden(other)
        if is_count:
            shown[name] = rows[name].astype("Int64").mask(hidden)
        elif sources:
            shown[name] = rows[name].mask(hidden)
    return shown


def _cell_names(columns: Mapping[str, Column], cells: Cells) -> tuple[str, ...]:
    shown = [name for name, column in columns.items() if column.kind is Kind.COUNT]
    summed = [name for total, parts in cells.sums for name in (total, *parts)]
    return tuple(dict.fromkeys(name for name in (*shown, *summed) if name not in cells.same))


def blanked(
    values: Ints,
    names: Sequence[str],
    cells: Cells,
    min_count: int,
    *,
    unseen: Set[str] = frozenset(),
    always: Set[str] = frozenset(),
) -> Flags:
    """Which cells to blank, of a table with a row per unit and a column per cell.

    ``unseen`` cells are shown to nobody: blanking them means that nothing may tell them either.
    ``always`` are blank in every row.
    """
    place = {name: n for n, name in enumerate(names)}
    ties = tuple(
        (place[total], tuple(place[part] for part in parts)) for total, parts in cells.sums
    )
    # What costs nothing to blank: what nobody sees, and the denominator of shares that are blank.
    free_where = _numerators(place, cells) | {place[name]: set[int]() for name in unseen}
    table = _Table(values, Sums(len(names), ties), free_where, min_count)
    table.blank[:, [place[name] for name in always]] = True
    table.close()
    return table.blank


def _numerators(place: Mapping[str, int], cells: Cells) -> dict[int, set[int]]:
    """For each denominator of shares, their numerators."""
    found: dict[int, set[int]] = {}
    for name, (*numerators, denominator) in cells.based_on.items():
        if "_share" in name and denominator.endswith("_share_n"):
            cell = place[cells.same.get(denominator, denominator)]
            found.setdefault(cell, set()).update(place[one] for one in numerators if one in place)
    return found


class Sums:
    """The sums within a row, as linear ties between its cells."""

    def __init__(self, n_cells: int, ties: tuple[tuple[int, tuple[int, ...]], ...]) -> None:
        self.n_cells = n_cells
        self.ties = ties
        self._matrix = np.zeros((len(ties), n_cells))
        for row, (total, parts) in enumerate(ties):
            self._matrix[row, total] = 1
            self._matrix[row, list(parts)] = -1
        self.is_free: Callable[[frozenset[int], int], bool] = cache(self._is_free)

    def _is_free(self, blank: frozenset[int], cell: int) -> bool:
        """Whether a blanked cell could have another value, the cells that are shown being fixed."""
        among = sorted(blank)
        matrix = self._matrix[:, among]
        alone = np.zeros((1, len(among)))
        alone[0, among.index(cell)] = 1
        rank = np.linalg.matrix_rank(matrix) if matrix.size else 0
        return bool(np.linalg.matrix_rank(np.vstack([matrix, alone])) > rank)

    def remainders(self, blank: frozenset[int]) -> Iterator[tuple[int, ...]]:
        """Sets of blanks whose sum follows from what is shown: a shown total less shown parts."""
        for total, parts in self.ties:
            if total not in blank:
                yield from self._unfolded(parts, blank)

    def _unfolded(self, parts: Sequence[int], blank: frozenset[int]) -> Iterator[tuple[int, ...]]:
        hidden = [part for part in parts if part in blank]
        for nth, part in enumerate(hidden):
            for total, inner in self.ties:
                if total == part:
                    rest = hidden[:nth] + hidden[nth + 1 :]
                    yield from self._unfolded((*rest, *inner), blank)
        if hidden:
            yield tuple(hidden)


class _Table:
    """A table whose blanks grow until nothing tells them."""

    def __init__(
        self, values: Ints, sums: Sums, free_where: Mapping[int, set[int]], min_count: int
    ) -> None:
        self._values = values
        self._sums = sums
        self._free_where = free_where
        self._min = min_count
        self.blank: Flags = (values > 0) & (values < min_count)
        self._cost = np.where(values > 0, values, _LAST_RESORT)

    def close(self) -> None:
        for unit in np.flatnonzero(self.blank.any(axis=1)):
            self._close_row(int(unit))
        if len(self._values) > 1:
            while self._widen_column() or self._widen_companion():
                pass

    def _close_row(self, unit: int) -> None:
        values, cost = self._values[unit], self._cost[unit]
        blank = frozenset(np.flatnonzero(self.blank[unit]).tolist())
        while True:
            fixed = next(
                (cell for cell in sorted(blank) if not self._sums.is_free(blank, cell)), None
            )
            if fixed is not None:
                blank |= self._cheapest(blank, fixed, cost)
                continue
            small = next(
                (
                    hidden
                    for hidden in self._sums.remainders(blank)
                    if 0 < values[list(hidden)].sum() < self._min
                ),
                None,
            )
            more = None if small is None else self._next_beside(blank, small, cost)
            if more is None:
                break
            blank |= {more}
        self.blank[unit, list(blank)] = True

    def _cheapest(self, blank: frozenset[int], fixed: int, cost: Ints) -> frozenset[int]:
        """The cells, together smallest, that free a cell which the sums of its row would fix."""
        others = [cell for cell in range(self._sums.n_cells) if cell not in blank]
        price = {cell: int(cost[cell]) for cell in others}
        for cell, numerators in self._free_where.items():
            if cell in price and numerators <= blank and cost[cell] < _LAST_RESORT:
                price[cell] = 0
        for size in range(1, _MOST_ADDED + 1):
            found = [
                (sum(price[cell] for cell in chosen), chosen)
                for chosen in combinations(others, size)
                if self._sums.is_free(blank | set(chosen), fixed)
            ]
            paid, best = min(found, default=(_LAST_RESORT, ()))
            if paid < _LAST_RESORT:
                return frozenset(best)
            if len(others) > _MANY and size == 2:
                break
        return self._sole(blank, price) or frozenset(others)

    def _sole(self, blank: frozenset[int], price: Mapping[int, int]) -> frozenset[int]:
        """Of each sum with a single blank, the smallest of the other cells."""
        found = set()
        for total, parts in self._sums.ties:
            cells = {total, *parts}
            if len(cells & blank) == 1:
                beside = [cell for cell in sorted(cells - blank) if price[cell] < _LAST_RESORT]
                found.update(beside if len(beside) < 2 else [min(beside, key=lambda c: price[c])])
        return frozenset(found)

    def _next_beside(
        self, blank: frozenset[int], hidden: tuple[int, ...], cost: Ints
    ) -> int | None:
        """The smallest cell that is shown and stands in a sum with one of these; None without."""
        beside = {
            cell
            for total, parts in self._sums.ties
            if not {total, *parts}.isdisjoint(hidden)
            for cell in (total, *parts)
        } - blank
        shown = [cell for cell in sorted(beside) if cost[cell] < _LAST_RESORT]
        return min(shown, key=lambda cell: int(cost[cell]), default=None)

    def _widen_column(self) -> bool:
        """Blank one more cell of a column whose blanks add up to a small count."""
        sums = np.where(self.blank, self._values, 0).sum(axis=0)
        for cell in np.flatnonzero((sums > 0) & (sums < self._min)):
            cost = np.where(self.blank[:, cell], _LAST_RESORT, self._cost[:, cell])
            unit = int(cost.argmin())
            if cost[unit] < _LAST_RESORT:
                self.blank[unit, cell] = True
                self._close_row(unit)
                return True
        return False

    def _widen_companion(self) -> bool:
        """Give a row with blanks, none of whose like there is, a companion."""
        weights = 1 << np.arange(self._sums.n_cells, dtype=np.int64)
        patterns = self.blank @ weights
        counts = Counter(patterns.tolist())
        for pattern, n_rows in counts.items():
            if pattern == 0 or n_rows > 1:
                continue
            if any(other & pattern == pattern for other in counts if other != pattern):
                continue
            unit = int(np.flatnonzero(patterns == pattern)[0])
            added = np.where(self.blank[unit] & ~self.blank, self._cost, 0).sum(axis=1)
            added[unit] = np.iinfo(np.int64).max
            companion = int(added.argmin())
            self.blank[companion] |= self.blank[unit]
            self._close_row(companion)
            return True
        return False
