"""``outliers``: which groups differ from all others by more than chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from avon_analytics.figures.declared import Cells, Column, Figure, Kind, Option, Takes, count
from avon_analytics.figures.method import FigureMethod
from avon_analytics.figures.signals import BASIS, WHICH
from avon_analytics.figures.words import Basis, By

if TYPE_CHECKING:
    import pandas as pd

P_VALUE = Column("p_value", Kind.CHANCE, "two-sided; missing without others", heading="p-value")
Q_VALUE = Column("q_value", Kind.CHANCE, "the p-value, allowing for all groups", heading="q-value")
LIMITS = ("lower_95", "upper_95", "lower_998", "upper_998")

FIGURE = Figure(
    name="outliers",
    title="Outliers",
    question="Which groups differ from all others together by more than chance.",
    row="group",
    definition=(
        "{share} of each group beside that of all other groups together: a funnel plot, {how}. A "
        "signal lies beyond the 99.8 % limits with a q-value (Benjamini and Hochberg, 1995) under "
        "0.05. Groups may differ in whom they see: case mix is not removed. {of_share}"
    ),
    source="Spiegelhalter (2005); Benjamini and Hochberg (1995)",
    columns=(
        count("n", "what the share is of", "Of"),
        count("count", "what it counts", "Count"),
        Column("share", Kind.SHARE, "the share, missing where n is 0", heading="Share"),
        Column("center", Kind.SHARE, "the share of all other groups", heading="Centre"),
        *(
            Column(
                f"{end}_{size}",
                Kind.SHARE,
                f"{end} limit within which chance keeps {of}",
                heading=f"{end} {percent} % limit",
                in_terminal=size == "998",
            )
            for size, percent, of in (("95", "95", "19 of 20"), ("998", "99.8", "998 of 1,000"))
            for end in ("lower", "upper")
        ),
        P_VALUE,
        Q_VALUE,
        Column("signal", Kind.TEXT, "higher, lower or missing", heading="Signal"),
    ),
    options=(
        WHICH,
        Option(
            "overdispersion",
            Takes.FLAG,
            "Let groups differ anyway: limits that allow for it.",
            default=False,
            says="Limits allow for how much groups vary beyond chance.",
        ),
        BASIS,
    ),
    cells=Cells(
        sums=(("n", ("count", "n_others")),),
        based_on=dict.fromkeys(
            ("share", "center", *LIMITS, "p_value", "q_value", "signal"), ("count", "n")
        ),
    ),
    foremost=(
        "share",
        "n",
        "center",
        "signal",
        "q_value",
        "p_value",
        "count",
        "lower_998",
        "upper_998",
    ),
    adds_up=False,
    chart="outliers",
    examples=("outliers --by host", "outliers --by host --share late_share --overdispersion"),
    by=("host",),
)


class Outliers(FigureMethod, figure=FIGURE):
    """The figure as a method of a cohort."""

    __slots__ = ()

    def outliers(
        self,
        share: str = "no_show_share",
        by: By = "host",
        *,
        overdispersion: bool = False,
        basis: Basis = "completed",
        min_count: int | None = None,
    ) -> pd.DataFrame:
        """Which groups differ from all others together by more than chance: a funnel plot.

        One row per group. ``share`` is any of ``outcomes`` or ``cancellations``. Each group is
        compared with all others, not with a whole that holds it. Groups may differ in whom they
        see: case mix is not removed.

        Columns: counts (int64) ``n`` and ``count``; ``share`` and ``center``, the share of all
        other groups (float); the limits within which chance keeps 95 % and 99.8 % of groups of
        this size, ``lower_95``, ``upper_95``, ``lower_998``, ``upper_998`` (float); ``p_value``,
        two-sided and exact (mid-P), and ``q_value``, which allows for all groups (Benjamini and
        Hochberg, 1995); ``signal`` (str: higher, lower or missing): beyond the 99.8 % limits with
        a q-value under 0.05. A group with ``n`` 0, or without others, has no p-value.

        ``overdispersion=True`` lets groups differ anyway (Spiegelhalter, 2005): limits and
        p-values are then those of arcsine shares with a variance between groups. ``attrs["phi"]``
        says by how much groups vary beyond chance (about 0.7 by chance alone),
        ``attrs["expected_false_alarms"]`` how many groups would be signals by chance.

        Raises UnknownGroup for an unknown share, grouping or basis; UsageError without a grouping.

        >>> days = visits.outliers("no_show_share", by="weekday")
        >>> days[["weekday", "n", "share", "p_value"]].head(2).round(2)
           weekday  n  share  p_value
        0   Monday  7   0.29     0.27
        1  Tuesday  4   0.00     0.51
        """
        return self._figure(
            FIGURE,
            share=share,
            by=by,
            overdispersion=overdispersion,
            basis=basis,
            min_count=min_count,
        )
