"""Two cohorts side by side: their shares, and how these differ."""

from __future__ import annotations

import pandas as pd

from avon_analytics.figures import Figure, compare
from avon_analytics.report.tables.rows import rows_of
from avon_analytics.report.tables.table import FigureTable, n_further
from avon_analytics.report.words.periods import every_of


def comparison_table(figure: Figure, frame: pd.DataFrame, keys: list[str]) -> FigureTable:
    """Two shares and how they differ, each under the name of its cohort."""
    keys = ["measure", *(name for name in keys if name != "measure")]
    if len(frame[[*compare.CALLED]].drop_duplicates()) > 1:  # several comparisons, in one frame
        keys = [*compare.CALLED, *keys]
    if keys == ["measure"]:  # of one comparison the q-value is the p-value
        frame = frame.drop(columns="q_value")
    columns = [one for one in figure.in_tables if one.name in frame]
    both = (compare.HERE.name, compare.THERE.name)
    return FigureTable(
        keys=keys,
        columns=columns,
        rows=rows_of(frame),
        every=every_of(frame),
        n_further=n_further(frame, [*keys, *compare.CALLED], columns),
        gives_way={
            "P-value": ("p_value",),
            "intervals of either share": [f"{name}_low" for name in both],
            "denominators": [f"{name}_n" for name in both],
            "either share": both,
            "Q-value": ("q_value",),
        },
    )
