"""``expected``: what will probably come of what is booked now."""

from __future__ import annotations

from collections.abc import Iterator

from avon_analytics.figures.declared import Cells, Column, Figure, Kind, Option, Takes, count

KNOWN = ("attended", "no_show", "cancelled", "rescheduled")
ENDS = (*KNOWN, "unresolved")
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


CLOSED = Option("closed", Takes.DATE, "A day to leave out (repeatable).", length=0)
HISTORY_FROM = Option(
    "history_from", Takes.DATE, "The first day of what to learn from: after a change of policy."
)
RESTS = {f"expected_{end}": (f"cell_{end}",) for end in ENDS}

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
        ),
        CLOSED,
        HISTORY_FROM,
    ),
    cells=Cells(
        sums=(("cell_all", tuple(f"cell_{end}" for end in ENDS)),),
        rests=RESTS,
    ),
    chart="expected",
    examples=("expected --start 2025-12-01 --end 2025-12-15 --every week",),
)
