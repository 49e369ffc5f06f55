"""``expected``: what will probably come of what is booked now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from avon_analytics.figures.declared import Cells, Column, Figure, Kind, Option, Takes, count
from avon_analytics.figures.method import FigureMethod
from avon_analytics.figures.words import By, DateLike, Every

if TYPE_CHECKING:
    import pandas as pd

KNOWN = ("attended", "no_show", "cancelled", "rescheduled")
ENDS = (*KNOWN, "unresolved")
HISTORY_DAYS = 365
"""How long before T expectations learn from."""
_WORDS = {"no_show": "missed", "rescheduled": "moved to another start"}
_HEADINGS = {"no_show": "no-shows"}


def expectations() -> Iterator[Column]:
    """The expected numbers, each with its 80 % interval, and the rest."""
    for end in KNOWN:
        name, words = f"expected_{end}", _HEADINGS.get(end, end)
        yield Column(
            name,
            Kind.NUMBER,
            f"how many to expect to be {_WORDS.get(end, end)}",
            heading=f"Expected {words}",
        )
        for place, word in (("low", "lower"), ("high", "upper")):
            yield Column(
                f"{name}_{place}",
                Kind.BOUND,
                f"{word} end of the 80 % interval",
                heading=f"Expected {words}: {word} end",
                base=name,
            )
    yield Column(
        "expected_unresolved",
        Kind.NUMBER,
        "how many to expect that nobody closes",
        heading="Expected unresolved",
        in_terminal=False,
    )


CLOSED = Option(
    "closed", Takes.DATE, "A day to leave out (repeatable).", length=0, says="Left out: {}."
)
HISTORY_FROM = Option(
    "history_from",
    Takes.DATE,
    "The first day of what to learn from: after a change of policy.",
    says="Learnt from what came from {} on.",
)
BASED_ON = {f"expected_{end}": (f"cell_{end}",) for end in ENDS}

FIGURE = Figure(
    name="expected",
    title="What to expect",
    question="What will probably come of what is booked now.",
    row="group and period",
    definition=(
        "Slots open at T with a start in the window, and how many of them to expect to end in each "
        "way. Each takes the shares of past slots that were open as many days before their start, "
        "by lead, who booked and whether it is a first visit, drawn towards all of them where they "
        "are few. Learnt from due slots with starts in the 365 days before T. The 80 % intervals "
        "allow for chance, for what is not known of the shares, and for how much whole periods "
        "varied in a backtest. Sums only: no named patient has a score.{pickup}"
    ),
    columns=(
        count("n_open", "slots that are open at T", "Open"),
        *expectations(),
        Column(
            "is_whole",
            Kind.FLAG,
            "the period lies wholly inside the window",
            heading="Whole",
            in_terminal=False,
        ),
    ),
    has_periods=True,
    options=(
        Option(
            "pickup",
            Takes.FLAG,
            "Add what is usually booked between now and then.",
            default=False,
            says="What is usually booked between now and then is added.",
        ),
        CLOSED,
        HISTORY_FROM,
    ),
    cells=Cells(
        sums=(("cell_all", tuple(f"cell_{end}" for end in ENDS)),),
        based_on=BASED_ON,
    ),
    chart="expected",
    examples=("expected --start 2025-12-01 --end 2025-12-15 --every week",),
)


class Expected(FigureMethod, figure=FIGURE):
    """The figure as a method of a cohort."""

    __slots__ = ()

    def expected(
        self,
        by: By = (),
        every: Every | None = None,
        *,
        pickup: bool = False,
        closed: Iterable[DateLike] | None = None,
        history_from: DateLike | None = None,
        min_count: int | None = None,
    ) -> pd.DataFrame:
        """What will probably come of what is booked now, in a window of starts that lies after T.

        One row per group and, with ``every``, per period of what is open at T. Each open slot takes
        the shares of past slots that were open as many whole days before their start, by lead band,
        self_booked and patient_visit, drawn towards all of them where they are few (with the weight
        of 20 slots). It learns from the cohort's ``where`` without its window: due slots with
        starts in the 365 days before T.

        Columns: ``n_open`` (int64); ``expected_attended``, ``expected_no_show``,
        ``expected_cancelled``, ``expected_rescheduled`` (float), each with the ends ``_low`` and
        ``_high`` of its 80 % interval; ``expected_unresolved``, which completes the sum to
        ``n_open``; ``is_whole`` (bool): the period lies wholly inside the window. Intervals allow
        for chance, for what is not known of the shares, and for how much whole periods varied in a
        backtest.

        ``pickup=True`` adds, by weekday and days ahead, what is usually booked between T and then:
        the sum is then above ``n_open``. A slot moved within the period returns only through it.
        Days in ``closed`` are left out, past and to come; ``history_from`` is the first day to
        learn from, after a change of policy. Under 4 complete weeks of history the numbers are
        missing, and ``attrs["messages"]`` says so.

        Sums only: a named patient has no score. Raises UnknownGroup for an unknown grouping or
        period; UsageError for a window that begins before T, or is one of bookings.

        >>> ahead = store.appointments(start="2025-11-15")
        >>> ahead.expected(every="month")[["n_open", "expected_attended"]].round(1)
           n_open  expected_attended
        0       4                1.7
        """
        return self._figure(
            FIGURE,
            by=by,
            every=every,
            pickup=pickup,
            closed=closed,
            history_from=history_from,
            min_count=min_count,
        )
