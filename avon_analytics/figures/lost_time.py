"""``lost_time``: what became of the hours that were planned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from avon_analytics.figures.declared import COMPLETE, Cells, Column, Figure, Kind, Reads, count
from avon_analytics.figures.method import FigureMethod
from avon_analytics.figures.words import By, Every

if TYPE_CHECKING:
    import pandas as pd

OF_A_SESSION = (
    "host",
    "appointment_type",
    "name",
    "interaction_type",
    "group",
    "self_booked",
    "recurring",
    "weekday",
    "hour",
    "lead_band",
)
"""The groupings that a session has itself, whoever was to come."""


def _hours(name: str, means: str, heading: str) -> Column:
    return Column(name, Kind.HOURS, means, heading=heading)


FIGURE = Figure(
    name="lost_time",
    title="Hours",
    question="How many of the planned hours were attended, lost, given back in time and won back.",
    row="group and period",
    definition=(
        "Hours of due sessions: a session is one appointment at one planned start, whoever was to "
        "come. Late is a session that its last patient cancelled, or that was moved, {late}. Lost "
        "is time missed, cancelled late or moved late, but for what attended sessions of the same "
        "host overlap; won back is that overlap with time cancelled or moved late, where it was "
        "planned after the release. Lost and won-back time counts once per host, all else once "
        "per session. Lost ratio: lost / planned."
    ),
    columns=(
        count("n_sessions", "due sessions", "Sessions"),
        count(
            "n_without_length",
            "of these, those without an end, or with one not within 24 hours after the start; they "
            "are in no hours",
            "Without length",
        ),
        _hours("planned_hours", "all planned hours, the sum of the next six", "Planned hours"),
        _hours("attended_hours", "of sessions to which somebody came", "Attended hours"),
        _hours("no_show_hours", "of sessions to which nobody came", "No-show hours"),
        _hours("late_cancelled_hours", "of sessions cancelled late", "Cancelled late, hours"),
        _hours("late_rescheduled_hours", "of sessions moved late", "Moved late, hours"),
        _hours(
            "released_in_time_hours", "of sessions cancelled or moved in time", "In time, hours"
        ),
        _hours("unresolved_hours", "of sessions never closed in Avon", "Unresolved hours"),
        Column(
            "late_cancelled_by_patient_hours",
            Kind.HOURS,
            "of those cancelled late, by the patient",
            heading="Late by patient, hours",
            in_terminal=False,
        ),
        Column(
            "late_cancelled_by_provider_hours",
            Kind.HOURS,
            "of those cancelled late, by the provider",
            heading="Late by provider, hours",
            in_terminal=False,
        ),
        Column(
            "late_cancelled_by_unknown_hours",
            Kind.HOURS,
            "of those cancelled late, by nobody known",
            heading="Late by unknown, hours",
            in_terminal=False,
        ),
        _hours("won_back_hours", "late released time that others attended", "Won back, hours"),
        _hours("lost_hours", "missed or late released time that nobody attended", "Lost hours"),
        Column(
            "lost_ratio",
            Kind.RATIO,
            "lost / planned hours",
            "planned hours",
            "Lost ratio",
            counts="lost_hours",
            among=("planned_hours",),
        ),
        *COMPLETE,
    ),
    has_periods=True,
    unit="session",
    general=OF_A_SESSION,
    customs="appointment",
    reads=Reads("session_hours"),
    cells=Cells(
        sums=(
            ("n_sessions", ("n_without_length", "n_timed")),
            (
                "n_timed",
                (
                    "n_attended",
                    "n_no_show",
                    "n_late_cancelled",
                    "n_late_rescheduled",
                    "n_in_time",
                    "n_unresolved",
                ),
            ),
            ("n_late_cancelled", ("n_late_by_patient", "n_late_by_provider", "n_late_by_unknown")),
        ),
        based_on={
            "planned_hours": ("n_timed",),
            "attended_hours": ("n_attended",),
            "no_show_hours": ("n_no_show",),
            "late_cancelled_hours": ("n_late_cancelled",),
            "late_rescheduled_hours": ("n_late_rescheduled",),
            "released_in_time_hours": ("n_in_time",),
            "unresolved_hours": ("n_unresolved",),
            "late_cancelled_by_patient_hours": ("n_late_by_patient",),
            "late_cancelled_by_provider_hours": ("n_late_by_provider",),
            "late_cancelled_by_unknown_hours": ("n_late_by_unknown",),
            "won_back_hours": ("n_late_cancelled", "n_late_rescheduled"),
            "lost_hours": ("n_no_show", "n_late_cancelled", "n_late_rescheduled"),
            "lost_ratio": ("n_no_show", "n_late_cancelled", "n_late_rescheduled", "n_timed"),
        },
    ),
    examples=("lost-time --every month", "lost-time --by host --every quarter"),
    foremost=(
        "lost_ratio",
        "lost_hours",
        "planned_hours",
        "attended_hours",
        "no_show_hours",
        "late_cancelled_hours",
        "late_rescheduled_hours",
        "won_back_hours",
        "released_in_time_hours",
        "n_sessions",
    ),
    chart="lost_time",
)


class LostTime(FigureMethod, figure=FIGURE):
    """The figure as a method of a cohort."""

    __slots__ = ()

    def lost_time(
        self,
        by: By = (),
        every: Every | None = None,
        *,
        min_count: int | None = None,
    ) -> pd.DataFrame:
        """What became of the planned hours: attended, missed, given back, won back, lost.

        One row per group and, with ``every``, per period of the start, of the due sessions of
        which the cohort holds a slot. A session is one appointment at one planned start, whoever
        was to come. Sessions that overlap it are sought in the whole store as of T.

        Columns: counts (int64) ``n_sessions``, ``n_without_length`` (no end, or one not within 24
        hours after the start: in no hours); elapsed hours (float) ``planned_hours`` =
        ``attended_hours`` + ``no_show_hours`` + ``late_cancelled_hours`` +
        ``late_rescheduled_hours`` + ``released_in_time_hours`` + ``unresolved_hours``, and
        ``late_cancelled_by_patient_hours``, ``late_cancelled_by_provider_hours`` and
        ``late_cancelled_by_unknown_hours``, which add up to ``late_cancelled_hours``;
        ``won_back_hours``, late released time that an attended session of the same host took that
        was planned at the release or after it; ``lost_hours``, missed or late released time that
        no attended session of the host overlaps; ``lost_ratio`` = lost / planned (0 to 1, missing
        of nothing; a ratio of hours has no interval). Lost and won-back time counts once per host,
        so groups and periods add up; all other hours count once per session, double booked or
        not. ``is_mature`` and ``is_whole``, as in ``outcomes``.

        Raises UnknownGroup, listing the choices, for a grouping that is not the session's own.

        >>> visits.lost_time()[["n_sessions", "planned_hours", "lost_hours", "lost_ratio"]].round(3)
           n_sessions  planned_hours  lost_hours  lost_ratio
        0          31         16.417         5.0       0.305
        """
        return self._figure(FIGURE, by=by, every=every, min_count=min_count)
