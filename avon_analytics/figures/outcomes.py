"""``outcomes``: how slots ended."""

from __future__ import annotations

from avon_analytics.figures.declared import (
    COMPLETE,
    Cells,
    Column,
    Figure,
    Kind,
    Option,
    Takes,
    count,
    share,
)

BASES = ("completed", "booked")
_DUE = "due slots that were not rescheduled"
_BY_WHOM = ("n_cancelled_by_patient", "n_cancelled_by_provider", "n_cancelled_by_unknown")
_HELD = ("n_attended", "n_no_show")
_DUE_COUNTS = (*_HELD, "n_cancelled", "n_unresolved")
_BOUNDS = (
    "no_show_share_if_all_unresolved_missed",
    "no_show_share_if_all_unresolved_attended",
)

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
            choices=BASES,
        ),
    ),
    bases={"booked": {"no_show_share": _DUE_COUNTS}},
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

_RESTS = {
    "no_show_share": ("n_no_show", "no_show_share_n"),
    "attended_share": ("n_attended", "attended_share_n"),
    "cancelled_share": ("n_cancelled", "cancelled_share_n"),
}
_SUMS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("n_slots", ("n_not_due", "n_rescheduled", "attended_share_n")),
    ("n_cancelled", _BY_WHOM),
)
CELLS = {
    "completed": Cells(
        sums=(
            *_SUMS,
            ("attended_share_n", ("no_show_share_n", "n_cancelled", "n_unresolved")),
            ("no_show_share_n", _HELD),
        ),
        same={"cancelled_share_n": "attended_share_n"},
        rests=_RESTS | dict.fromkeys(_BOUNDS, (*_HELD, "n_unresolved")),
    ),
    "booked": Cells(
        sums=(*_SUMS, ("attended_share_n", (*_HELD, "n_cancelled", "n_unresolved"))),
        same={"cancelled_share_n": "attended_share_n", "no_show_share_n": "attended_share_n"},
        rests=_RESTS | dict.fromkeys(_BOUNDS, ("n_no_show", "n_unresolved", "attended_share_n")),
    ),
}
"""How the counts hang together; ``attended_share_n`` is all due slots not rescheduled."""
