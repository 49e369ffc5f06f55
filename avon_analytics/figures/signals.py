"""``signals``: whether a share changed over time, or strayed by chance."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from avon_analytics.figures import cancellations, outcomes
from avon_analytics.figures.declared import Cells, Column, Figure, Kind, Option, Takes, count
from avon_analytics.figures.method import FigureMethod
from avon_analytics.figures.words import Basis, By, DateLike, Every

if TYPE_CHECKING:
    import pandas as pd

SHARES = tuple(dict.fromkeys((*outcomes.FIGURE.shares, *cancellations.FIGURE.shares)))
"""The shares that can be asked for by name."""
BETTER = ("lower", "higher")
WHICH = Option(
    "share",
    Takes.CHOICE,
    f"Which share: {', '.join(SHARES[:-1])} or {SHARES[-1]}.",
    default="no_show_share",
    choices=SHARES,
)
BASIS = Option(
    "basis",
    Takes.CHOICE,
    "What no_show_share is divided by: completed or booked.",
    default="completed",
    choices=tuple(outcomes.BASES),
    says=outcomes.OF_BOOKED,
)

FIGURE = Figure(
    name="signals",
    title="Signals",
    question="Whether a share changed over time, or strayed by chance.",
    row="group and complete period",
    definition=(
        "{share} by complete period, on a p′-chart (Laney, 2002): the centre is that of the "
        "baseline, limits lie 3 standard deviations of chance away, wider where neighbouring "
        "periods differ by more than chance makes them. A signal is a period beyond a limit, the "
        "end of a trend of 7 (6 steps), two of three in a row between 2 and 3 standard deviations, "
        "or the end of 7 in a row on one side. {of_share}"
    ),
    source="Laney (2002); rules of NHSRplotthedots (NHS England, Making Data Count)",
    columns=(
        count("n", "what the share is of", "Of"),
        count("count", "what it counts", "Count"),
        Column("share", Kind.SHARE, "the share, missing where n is 0", heading="Share"),
        Column("center", Kind.SHARE, "the share of the baseline", heading="Centre"),
        Column("lower", Kind.SHARE, "lower limit for so many", heading="Lower limit"),
        Column("upper", Kind.SHARE, "upper limit for so many", heading="Upper limit"),
        Column(
            "is_in_baseline",
            Kind.FLAG,
            "the centre rests on this period",
            heading="In the baseline",
            in_terminal=False,
        ),
        Column("signal", Kind.TEXT, "higher, lower or missing", heading="Signal"),
        Column("rule", Kind.TEXT, "the rule by which it is a signal", heading="Rule"),
        Column(
            "meaning",
            Kind.TEXT,
            "improvement or concern, where better= says which way is which",
            heading="Meaning",
            in_terminal=False,
        ),
    ),
    has_periods=True,
    options=(
        WHICH,
        Option(
            "baseline",
            Takes.DATE,
            "First day of the baseline and the day after its last; all complete periods.",
            length=2,
        ),
        Option("rebase", Takes.DATE, "A day from which new limits hold (repeatable).", length=0),
        Option("better", Takes.CHOICE, "Which way is better: lower or higher.", choices=BETTER),
        Option("target", Takes.NUMBER, "A share to hold the newest limits against, 0 to 1."),
        BASIS,
    ),
    cells=Cells(
        sums=(("n", ("count", "n_others")),),
        based_on=dict.fromkeys(("share", "signal", "rule", "meaning"), ("count", "n")),
    ),
    foremost=(
        "share",
        "n",
        "center",
        "lower",
        "upper",
        "signal",
        "rule",
        "count",
    ),
    adds_up=False,
    chart="signals",
    examples=("signals --every month", "signals --every week --by host --better lower"),
)


class Signals(FigureMethod, figure=FIGURE):
    """The figure as a method of a cohort."""

    __slots__ = ()

    def signals(
        self,
        share: str = "no_show_share",
        by: By = (),
        every: Every = "month",
        *,
        baseline: tuple[DateLike, DateLike] | None = None,
        rebase: Iterable[DateLike] | None = None,
        better: str | None = None,
        target: float | None = None,
        basis: Basis = "completed",
        min_count: int | None = None,
    ) -> pd.DataFrame:
        """Whether a share changed over time, or strayed by chance: a p′-chart (Laney, 2002).

        One row per group and complete period: over, all of it due, wholly in the cohort's window
        and not before the store's first appointment event. A complete period without slots is a
        row with ``n`` 0. ``share`` is any of ``outcomes`` or ``cancellations``; ``basis`` is that
        of ``no_show_share`` in ``outcomes``.

        Columns: ``period_on``; counts (int64) ``n``, what the share is of, and ``count``; ``share``
        (float); ``center``, the share of the baseline, with ``lower`` and ``upper`` limit (float),
        3 standard deviations of chance away, wider where neighbours differ by more;
        ``is_in_baseline`` (bool); ``signal`` (str: higher, lower or missing); ``rule`` (str:
        beyond a limit, trend, two of three, shift); ``meaning`` (str: improvement or concern, with
        ``better="lower"`` or ``"higher"``, else missing).

        ``baseline=(start, end)`` are the periods whose first day is in it, else all; ``rebase``
        are days from which new limits hold. A stretch of under 13 periods, and one of which a
        period of median size would have fewer than 5 cases within the share, or outside it, has
        limits but no signals, and ``attrs["messages"]`` says so.
        ``attrs["expected_false_alarms"]`` holds how many ``rows`` and ``groups`` of this very
        figure would be signals by chance alone. With ``target=`` ``attrs["target"]`` says for each
        group whether the limits of the newest stretch, at its median n, hold it.

        Raises UnknownGroup for an unknown share, grouping, period or basis; UsageError for a date,
        baseline or target that cannot be.

        >>> change = visits.signals("no_show_share", every="month")
        >>> change.attrs["messages"]
        ['a period of median size is too small for the rules: at least 5 cases ...
        """
        return self._figure(
            FIGURE,
            share=share,
            by=by,
            every=every,
            baseline=baseline,
            rebase=rebase,
            better=better,
            target=target,
            basis=basis,
            min_count=min_count,
        )
