"""``outcomes``: how slots ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from avon_analytics.figures.declared import (
    COMPLETE,
    Cells,
    Column,
    Division,
    Figure,
    Kind,
    Option,
    Takes,
    count,
    share,
)
from avon_analytics.figures.method import FigureMethod
from avon_analytics.figures.words import Basis, By, Every

if TYPE_CHECKING:
    import pandas as pd

_DUE = "due slots that were not rescheduled"
_BY_WHOM = ("n_cancelled_by_patient", "n_cancelled_by_provider", "n_cancelled_by_unknown")
_HELD = ("n_attended", "n_no_show")
_DUE_COUNTS = (*_HELD, "n_cancelled", "n_unresolved")
_BOUNDS = (
    "no_show_share_if_all_unresolved_missed",
    "no_show_share_if_all_unresolved_attended",
)
_BASED_ON = {
    "no_show_share": ("n_no_show", "no_show_share_n"),
    "attended_share": ("n_attended", "attended_share_n"),
    "cancelled_share": ("n_cancelled", "cancelled_share_n"),
}
_SUMS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("n_slots", ("n_not_due", "n_rescheduled", "attended_share_n")),
    ("n_cancelled", _BY_WHOM),
)
OF_BOOKED = "No-shows are divided by all due slots that were not rescheduled."
"""What a table says where the basis is not the usual one."""
BASES = {
    "completed": Division(
        "attended + no-show",
        Cells(
            sums=(
                *_SUMS,
                ("attended_share_n", ("no_show_share_n", "n_cancelled", "n_unresolved")),
                ("no_show_share_n", _HELD),
            ),
            same={"cancelled_share_n": "attended_share_n"},
            based_on=_BASED_ON | dict.fromkeys(_BOUNDS, (*_HELD, "n_unresolved")),
        ),
    ),
    "booked": Division(
        "attended + no-show + cancelled + unresolved",
        Cells(
            sums=(*_SUMS, ("attended_share_n", (*_HELD, "n_cancelled", "n_unresolved"))),
            same={"cancelled_share_n": "attended_share_n", "no_show_share_n": "attended_share_n"},
            based_on=_BASED_ON
            | dict.fromkeys(_BOUNDS, ("n_no_show", "n_unresolved", "attended_share_n")),
        ),
        among={"no_show_share": _DUE_COUNTS},
    ),
}
"""What no-shows are divided by; ``attended_share_n`` is all due slots not rescheduled."""


def _bounds(rows: pd.DataFrame, options: Mapping[str, Any]) -> None:
    """What the share would be, had all unresolved slots been missed, or all been attended."""
    due = rows.attended_share_n
    resolved = due if options["basis"] == "booked" else due - rows.n_cancelled
    among = resolved.where(resolved > 0)
    missed, attended = _BOUNDS
    rows[missed] = (rows.n_no_show + rows.n_unresolved) / among
    rows[attended] = rows.n_no_show / among


FIGURE = Figure(
    name="outcomes",
    title="Outcomes",
    question="What became of the slots: attended, no-show, cancelled, rescheduled, unresolved.",
    row="group and period",
    definition=(
        "Slots by how they ended, counted when their planned end and the grace are over. "
        "no_show_share = no-show / ({among}); attended_share and cancelled_share are of all due "
        "slots that were not rescheduled (attended, no-show, cancelled, unresolved). The two "
        "bounds say what no_show_share would be, had all unresolved slots been missed, or all been "
        "attended."
    ),
    source="DNA rate of Northern Ireland's outpatient statistics (2023); NHS England (2023)",
    columns=(
        count("n_slots", "all slots", "Slots"),
        count("n_not_due", "slots whose planned end and grace are not over", "Not due"),
        count("n_attended", "due slots that were attended", "Attended"),
        count("n_no_show", "due slots that were missed", "No-show"),
        count("n_cancelled", "due slots that were cancelled", "Cancelled"),
        *(
            count(
                f"n_cancelled_by_{who}",
                f"of these, those cancelled by {whom}",
                f"Cancelled by {who}",
                in_terminal=False,
            )
            for who, whom in (
                ("patient", "the patient"),
                ("provider", "the provider"),
                ("unknown", "someone unknown"),
            )
        ),
        count("n_rescheduled", "due slots that were moved to another start", "Rescheduled"),
        count("n_unresolved", "due slots that nobody closed", "Unresolved"),
        share(
            "no_show_share",
            "no-shows",
            "slots attended or missed",
            "No-show share",
            counts="n_no_show",
            among=_HELD,
        ),
        share(
            "attended_share",
            "slots attended",
            _DUE,
            "Attended share",
            counts="n_attended",
            among=_DUE_COUNTS,
        ),
        share(
            "cancelled_share",
            "slots cancelled",
            _DUE,
            "Cancelled share",
            counts="n_cancelled",
            among=_DUE_COUNTS,
        ),
        *COMPLETE,
        *(
            Column(
                f"no_show_share_if_all_unresolved_{fate}",
                Kind.SHARE,
                f"`no_show_share`, had all unresolved slots been {fate}",
                heading=f"No-show share, all unresolved {fate}",
                in_terminal=False,
            )
            for fate in ("missed", "attended")
        ),
    ),
    has_periods=True,
    options=(
        Option(
            "basis",
            Takes.CHOICE,
            "What no-shows are divided by: completed or booked.",
            default="completed",
            choices=tuple(BASES),
            says=OF_BOOKED,
        ),
    ),
    bases=BASES,
    made=_bounds,
    examples=("outcomes --every month", "outcomes --by host --by weekday"),
    foremost=(
        "no_show_share",
        "n_slots",
        "n_attended",
        "n_no_show",
        "n_cancelled",
        "n_rescheduled",
        "n_unresolved",
        "n_not_due",
        "cancelled_share",
    ),
    chart="outcomes",
)


class Outcomes(FigureMethod, figure=FIGURE):
    """The figure as a method of a cohort."""

    __slots__ = ()

    def outcomes(
        self,
        by: By = (),
        every: Every | None = None,
        *,
        basis: Basis = "completed",
        min_count: int | None = None,
    ) -> pd.DataFrame:
        """How slots ended.

        One row per group and, with ``every`` (day, week, month, quarter, year), per period; a
        period without slots has no row. A slot belongs to the period of its local date ``on``.

        Columns: ``period_on`` (datetime64, the period's first day; only with ``every``); counts
        (int64) ``n_slots`` = ``n_not_due`` + ``n_attended`` + ``n_no_show`` + ``n_cancelled`` +
        ``n_rescheduled`` + ``n_unresolved``, all but the first two of due slots alone, and
        ``n_cancelled_by_patient``, ``_by_provider``, ``_by_unknown``, which add up to
        ``n_cancelled``; shares (float) ``no_show_share`` = no-show / (attended + no-show), with
        ``basis="booked"`` of all due slots not rescheduled, as are ``attended_share`` and
        ``cancelled_share``; of the period, else the window, over the whole cohort and so the same
        for all groups (bool): ``is_mature``, it ended more than the grace before ``as_of`` (at
        midnight in the store's time zone) and no slot of it is not yet due, and ``is_whole``, it
        lies in the window and begins no earlier than the day of the store's first appointment
        event; and what ``no_show_share`` would be, had all unresolved slots been missed
        (``no_show_share_if_all_unresolved_missed``) or attended (``…_attended``).

        Raises UnknownGroup, listing the choices, for an unknown grouping, period or basis.

        >>> visits.outcomes(every="quarter")[["period_on", "n_slots", "n_no_show", "no_show_share"]]
           period_on  n_slots  n_no_show  no_show_share
        0 2024-07-01        2          0            NaN
        1 2024-10-01        7          1            0.2
        2 2025-01-01        7          1            0.2
        3 2025-04-01        7          1            0.2
        4 2025-07-01        6          0            0.0
        5 2025-10-01        6          0            0.0
        """
        return self._figure(FIGURE, by=by, every=every, basis=basis, min_count=min_count)
