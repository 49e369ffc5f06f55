"""``compare``: how the shares of two cohorts differ.

It takes another cohort and the name of a figure, so it stands beside the figures and is none of
``FIGURES``.
"""

from __future__ import annotations

from dataclasses import replace

from avon_analytics.figures.declared import Column, Figure, Kind, share
from avon_analytics.figures.outliers import P_VALUE, Q_VALUE

CALLED = ("cohort", "other_cohort")
"""The columns that say what either cohort is called beside the other."""
MEASURE = Column("measure", Kind.TEXT, "the share that is compared", heading="Share")
HERE = share("share", "the share in this cohort", "its denominator there", "Share")
THERE = share(
    "other_share", "the share in the other cohort", "its denominator there", "Other cohort"
)
DIFFERENCE = Column(
    "difference",
    Kind.DIFFERENCE,
    "this cohort's share minus the other's",
    heading="Difference",
    has_interval=True,
)

FIGURE = Figure(
    name="compare",
    title="Comparison",
    question="How the shares of two cohorts differ: two periods, two hosts, two of anything.",
    row="group and share",
    definition=(
        "The difference of two shares, this cohort's minus the other's, with its 95 % interval "
        "after Newcombe (1998), which takes the two for independent. p_value is exact (mid-P), "
        "q_value allows for all groups of the same share (Benjamini and Hochberg, 1995). {figure}"
    ),
    source="Newcombe (1998), method 10; Benjamini and Hochberg (1995)",
    columns=(
        MEASURE,
        HERE,
        THERE,
        DIFFERENCE,
        replace(P_VALUE, means="two-sided; missing where one of them has no such share"),
        replace(Q_VALUE, means="the p-value, allowing for all groups of the share"),
        Column(CALLED[0], Kind.TEXT, "which cohort this is: how it differs from the other"),
        Column(CALLED[1], Kind.TEXT, "which the other is"),
    ),
    has_periods=True,
    examples=(
        "compare --period last-month --other-period last-quarter --by host",
        "compare --where host=user_a --other-where host=user_b --figure cancellations",
    ),
    foremost=("share", "other_share", "difference", "q_value", "p_value"),
    adds_up=False,
    chart="compare",
)
COLUMNS = FIGURE.spelled
