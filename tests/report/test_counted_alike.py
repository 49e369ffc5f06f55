"""Two tables of one page that count the same slots: neither tells what is blank in the other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from avon_analytics.report.collect import collect

# Written out here once more: what each table adds up to, and what both count.
EQUATIONS = (
    "o.n_slots = o.n_not_due + o.n_attended + o.n_no_show + o.n_cancelled + o.n_rescheduled "
    "+ o.n_unresolved",
    "o.n_cancelled = o.n_cancelled_by_patient + o.n_cancelled_by_provider "
    "+ o.n_cancelled_by_unknown",
    "o.no_show_share_n = o.n_attended + o.n_no_show",
    "o.attended_share_n = o.n_attended + o.n_no_show + o.n_cancelled + o.n_unresolved",
    "c.n_due = o.attended_share_n",
    "c.n_cancelled = o.n_cancelled",
    "c.n_cancelled = c.n_by_patient + c.n_by_provider + c.n_by_unknown",
    "c.n_by_patient = o.n_cancelled_by_patient",
    "c.n_by_provider = o.n_cancelled_by_provider",
    "c.n_by_unknown = o.n_cancelled_by_unknown",
    "c.patient_cancelled_share_n = c.n_by_patient + o.no_show_share_n",
    "c.provider_cancelled_share_n = c.n_by_provider + o.n_attended",
)


def told(outcomes: pd.Series, cancellations: pd.Series) -> list[str]:
    """The blank cells that follow from what two rows show, by the sums above."""
    shown = {f"o.{name}": value for name, value in outcomes.items()}
    shown |= {f"c.{name}": value for name, value in cancellations.items()}
    terms = [line.replace("=", "+").split(" + ") for line in EQUATIONS]
    names = sorted({name.strip() for line in terms for name in line})
    blank = [name for name in names if pd.isna(shown[name])]
    matrix = np.zeros((len(terms), len(blank)))
    for row, line in enumerate(terms):
        for nth, name in enumerate(one.strip() for one in line):
            if name in blank:
                matrix[row, blank.index(name)] += 1 if nth == 0 else -1
    rank = np.linalg.matrix_rank(matrix) if blank else 0
    return [
        name
        for n, name in enumerate(blank)
        if np.linalg.matrix_rank(np.vstack([matrix, np.eye(len(blank))[n]])) == rank
    ]


@pytest.mark.parametrize(("every", "min_count"), [("month", 11), ("month", 25), ("week", 6)])
def test_neither_table_tells_what_is_blank_in_the_other(
    sample: Any, every: str, min_count: int
) -> None:
    import avon_analytics as avon

    with avon.open(sample.db) as store:
        visits = store.appointments(min_count=min_count)
        figures = collect(store._database, visits, title="t", every=every).figures
        apart = visits.outcomes(every=every), visits.cancellations(every=every)
        truth = visits.outcomes(every=every, min_count=0)
    found = figures.outcomes_by_period, figures.cancellations_by_period

    def leaks(
        outcomes: pd.DataFrame, cancellations: pd.DataFrame
    ) -> list[tuple[object, list[str]]]:
        rows = outcomes.merge(cancellations[["period_on"]].assign(at=range(len(cancellations))))
        return [
            (row.period_on, cells)
            for n, row in enumerate(rows.itertuples())
            if (cells := told(outcomes.iloc[n], cancellations.iloc[row.at]))
        ]

    assert len(found[0]) == len(found[1]) == len(truth)
    assert leaks(*found) == []
    if (every, min_count) == ("month", 11):
        assert leaks(*apart), "each by itself, they tell of each other"
    names = [name for name in truth.columns if name.startswith("n_")]
    is_shown = found[0][names].notna()
    assert (
        (found[0][names].where(is_shown) == truth[names].where(is_shown))
        .to_numpy()[is_shown.to_numpy()]
        .all()
    )
    assert is_shown.to_numpy().any()
    assert told(figures.outcomes.iloc[0], figures.cancellations.iloc[0]) == []
