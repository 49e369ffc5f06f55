"""``backtest``: how good expectations were, period by period."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from avon_analytics.figures.declared import Cells, Figure, Option, Takes, count
from avon_analytics.figures.expected import (
    BASED_ON,
    CLOSED,
    ENDS,
    HISTORY_DAYS,
    HISTORY_FROM,
    KNOWN,
    expectations,
)
from avon_analytics.figures.method import FigureMethod
from avon_analytics.figures.words import By, DateLike, Every

if TYPE_CHECKING:
    import pandas as pd

FIGURE = Figure(
    name="backtest",
    title="Backtest",
    question="How good expectations were: what was expected, and what came.",
    row="group and complete period",
    definition=(
        "For every complete period what would have been expected {days_ahead} days before it, and "
        "what came of the slots that were open then. A slot's state at that instant is read off "
        "its own instants as known at T; expectations learn only from slots that were due by then. "
        "Coverage is the share of 80 % intervals that held what came. Skill is 1 less the mean "
        "error over that of a plain forecast: the mean of the same weekday in the 12 weeks before."
    ),
    columns=(
        count("n_open", "slots that were open so many days before the period", "Open"),
        *(
            count(f"n_{end}", f"of these, those that were {words} in the end", heading)
            for end, words, heading in (
                ("attended", "attended", "Attended"),
                ("no_show", "missed", "No-show"),
                ("cancelled", "cancelled", "Cancelled"),
                ("rescheduled", "moved to another start", "Rescheduled"),
                ("unresolved", "closed by nobody", "Unresolved"),
            )
        ),
        *expectations(),
    ),
    has_periods=True,
    options=(
        Option(
            "days_ahead",
            Takes.WHOLE,
            "How many days before each period expectations are made.",
            default=7,
            least=0,
            most=HISTORY_DAYS,
            of="days",
            says="Expected {} before each period.",
        ),
        CLOSED,
        HISTORY_FROM,
    ),
    cells=Cells(
        sums=(
            ("n_open", tuple(f"n_{end}" for end in ENDS)),
            ("cell_all", tuple(f"cell_{end}" for end in ENDS)),
        ),
        based_on=BASED_ON,
    ),
    foremost=(
        "n_open",
        *(f"{way}_{end}" for end in KNOWN for way in ("n", "expected")),
        "n_unresolved",
    ),
    chart="expected",
    examples=("backtest --every week", "backtest --every day --days-ahead 14"),
)


class Backtest(FigureMethod, figure=FIGURE):
    """The figure as a method of a cohort."""

    __slots__ = ()

    def backtest(
        self,
        by: By = (),
        every: Every = "week",
        *,
        days_ahead: int = 7,
        closed: Iterable[DateLike] | None = None,
        history_from: DateLike | None = None,
        min_count: int | None = None,
    ) -> pd.DataFrame:
        """How good expectations were: those of every complete period, and what came.

        One row per group and complete period (by planned start) of the slots that were open
        ``days_ahead`` times 24 hours before it began. A slot's state at that instant is read off
        its own instants, as known at T; expectations learn only from slots that were due by then.

        Columns: counts (int64) ``n_open`` and what came of them: ``n_attended``, ``n_no_show``,
        ``n_cancelled``, ``n_rescheduled``, ``n_unresolved``; and as in ``expected``
        ``expected_attended``, ``expected_no_show``, ``expected_cancelled``,
        ``expected_rescheduled``, each with ``_low`` and ``_high``, and ``expected_unresolved``.

        ``attrs["coverage"]`` holds the share of intervals that held what came, for each outcome
        and for ``all``, of ``attrs["n_intervals"]`` (an expected number of 0 has none);
        ``attrs["skill"]`` is 1 less the mean error over that of a plain forecast, the mean of the
        same weekday in the 12 weeks before (0: no better); ``attrs["mean_error"]`` and
        ``attrs["mean_error_of_plain"]`` are the two. Periods
        before there were 4 complete weeks to learn from have no expectations.

        Raises UnknownGroup for an unknown grouping or period, UsageError for other ``days_ahead``
        than 0 to 365, or a window of bookings.

        >>> visits.backtest(every="month").attrs["n_intervals"]
        15
        """
        return self._figure(
            FIGURE,
            by=by,
            every=every,
            days_ahead=days_ahead,
            closed=closed,
            history_from=history_from,
            min_count=min_count,
        )
