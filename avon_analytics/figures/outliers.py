"""``outliers``: which groups differ from all others by more than chance."""

from __future__ import annotations

from avon_analytics.figures.declared import Cells, Column, Figure, Kind, Option, Takes, count
from avon_analytics.figures.signals import BASIS, WHICH

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
        ),
        BASIS,
    ),
    cells=Cells(
        sums=(("n", ("count", "n_others")),),
        rests=dict.fromkeys(
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
