"""The figure ``funnel``: how far appointments came, and where the others went."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from avon_analytics.appointments.calculated.figure import finished, with_shares
from avon_analytics.appointments.rows.counted import Counted
from avon_analytics.appointments.statistics.small_counts import blanked, with_blanks
from avon_analytics.figures.declared import Cells, Column
from avon_analytics.figures.funnel import FIGURE
from avon_analytics.figures.words import By

if TYPE_CHECKING:
    from avon_analytics.appointments.rows.cohort_rows import CohortRows


def funnel(cohort: CohortRows, *, by: By, min_count: int | None, unit: str) -> pd.DataFrame:
    """See ``Cohort.funnel``."""
    options = {"unit": unit}
    return of_stages(cohort._count(FIGURE, by, options=options, min_count=min_count), unit)


def of_stages(counted: Counted, unit: str) -> pd.DataFrame:
    """The figure that is made of the counts of each stage."""
    with_shares(FIGURE, counted.rows)
    return finished(
        FIGURE,
        counted,
        {"unit": unit},
        blank=_blank_small,
        ordered={"step": ()},
        unit=unit.capitalize(),
    )


# Small counts. What hangs together are the three stages of a group, so they are blanked as one.

_STEPS = (1, 2, 3)
_ENDS = ("n_cancelled", "n_no_show", "n_rescheduled", "n_unresolved", "n_open")
_COUNTS = ("n_reached", "n_observed", "n_inferred", *_ENDS)


def _at(name: str, step: int) -> str:
    return f"{name} at {step}"


_NAMES = tuple(_at(name, step) for step in _STEPS for name in _COUNTS)
_CELLS = Cells(
    sums=(
        *(
            (_at("n_reached", step), (_at("n_observed", step), _at("n_inferred", step)))
            for step in _STEPS
        ),
        *(
            (
                _at("n_reached", step),
                (_at("n_reached", step + 1), *(_at(name, step) for name in _ENDS)),
            )
            for step in _STEPS[:-1]
        ),
    )
)
_BASED_ON = {
    "first_share": ("n_reached", "first_share_n"),
    "previous_share": ("n_reached", "previous_share_n"),
    "median_hours_from_previous": ("n_reached", "n_with_hours"),
    "p90_hours_from_previous": ("n_reached", "n_with_hours"),
}


def _blank_small(rows: pd.DataFrame, columns: Mapping[str, Column], min_count: int) -> pd.DataFrame:
    n_groups = len(rows) // len(_STEPS)
    values = rows[list(_COUNTS)].to_numpy(dtype=np.int64).reshape(n_groups, len(_NAMES))
    blank = blanked(values, _NAMES, _CELLS, min_count).reshape(len(rows), len(_COUNTS))
    blanks = dict(zip(_COUNTS, blank.T, strict=True))
    reached = blanks["n_reached"].reshape(n_groups, len(_STEPS))
    blanks["first_share_n"] = np.repeat(reached[:, 0], len(_STEPS))
    before = np.column_stack([np.zeros(n_groups, dtype=bool), reached[:, :-1]])
    blanks["previous_share_n"] = before.ravel()
    return with_blanks(rows, columns, Cells(based_on=_BASED_ON), blanks, min_count)
