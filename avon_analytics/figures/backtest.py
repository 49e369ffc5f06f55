"""``backtest``: how good expectations were, period by period."""

from __future__ import annotations

from avon_analytics.figures.declared import Cells, Figure, Option, Takes, count
from avon_analytics.figures.expected import CLOSED, ENDS, HISTORY_FROM, RESTS, expectations

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
        ),
        CLOSED,
        HISTORY_FROM,
    ),
    cells=Cells(
        sums=(
            ("n_open", tuple(f"n_{end}" for end in ENDS)),
            ("cell_all", tuple(f"cell_{end}" for end in ENDS)),
        ),
        rests=RESTS,
    ),
    chart="expected",
    examples=("backtest --every week", "backtest --every day --days-ahead 14"),
)
