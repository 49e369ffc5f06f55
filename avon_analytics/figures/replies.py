"""``replies``: how soon staff answered a patient's message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from avon_analytics.figures.declared import (
    COMPLETE,
    Cells,
    Column,
    Figure,
    Kind,
    Option,
    Reads,
    Takes,
    count,
    share,
)
from avon_analytics.figures.method import FigureMethod
from avon_analytics.figures.words import By, Every

if TYPE_CHECKING:
    import pandas as pd

OF_A_QUESTION = ("host", "weekday", "hour", "patient_state", "medical_center")

FIGURE = Figure(
    name="replies",
    title="Replies",
    question="How soon staff answered the messages of patients.",
    row="group and period of arrival",
    definition=(
        "Questions: the first message of a patient or caregiver in a thread since staff last "
        "wrote there; internal notes and pages are left out. Answered by the first message of "
        "staff after it. Unanswered ones are censored at T: the median is the first hour by which "
        "no more than half still waited (Kaplan and Meier, 1958). In time: answered within {hours} "
        "hours, of those that arrived at least as long before T. Host, state and center are those "
        "of the patient's last visit that began before the question, else of the first one after."
    ),
    source="Kaplan and Meier (1958)",
    columns=(
        count("n_questions", "questions", "Questions"),
        count("n_answered", "of these, answered by T", "Answered"),
        count("n_waiting", "of these, not answered by T", "Waiting"),
        count("n_in_time", "of those that arrived in time to tell, answered in time", "In time"),
        share(
            "in_time_share",
            "answered in time",
            "arrived in time to tell",
            "In-time share",
            counts="n_in_time",
            among=("n_followed",),
        ),
        Column(
            "median_hours_to_reply",
            Kind.HOURS,
            "elapsed hours by which half had an answer; missing if more than half never had",
            heading="Median hours to reply",
        ),
        Column(
            "p90_hours_to_reply",
            Kind.HOURS,
            "elapsed hours by which nine in ten had an answer",
            heading="90 % within, hours",
        ),
        *COMPLETE,
    ),
    has_periods=True,
    unit="question",
    general=OF_A_QUESTION,
    customs="none",
    options=(
        Option(
            "hours",
            Takes.WHOLE,
            "Within how many hours is in time.",
            default=24,
            least=1,
            most=8_760,
            of="hours",
            says="In time: within {}.",
        ),
    ),
    reads=Reads("questions", dated="start"),
    cells=Cells(
        sums=(
            ("n_questions", ("n_answered", "n_waiting")),
            ("n_questions", ("in_time_share_n", "n_not_followed")),
            ("in_time_share_n", ("n_in_time", "n_not_in_time")),
        ),
        based_on={
            "in_time_share": ("n_in_time", "in_time_share_n"),
            "median_hours_to_reply": ("n_answered", "n_waiting"),
            "p90_hours_to_reply": ("n_answered", "n_waiting"),
        },
    ),
    examples=("replies --every month", "replies --by host --by hour"),
    foremost=(
        "in_time_share",
        "n_questions",
        "n_answered",
        "n_waiting",
        "median_hours_to_reply",
        "p90_hours_to_reply",
    ),
    chart="share",
)


class Replies(FigureMethod, figure=FIGURE):
    """The figure as a method of a cohort."""

    __slots__ = ()

    def replies(
        self,
        by: By = (),
        every: Every | None = None,
        *,
        hours: int = 24,
        min_count: int | None = None,
    ) -> pd.DataFrame:
        """How soon staff answered the messages of patients.

        One row per group and, with ``every``, per period of arrival, of questions: the first
        message of a patient or caregiver in a thread since staff last wrote there. The cohort's
        window is one of arrival dates, local to the patient's visit, else to the store; ``by``
        and ``where`` are host, weekday, hour (of arrival), patient_state and medical_center, as of
        the patient's last visit that began before the question, else of the first one after it.

        Columns: counts (int64) ``n_questions`` = ``n_answered`` + ``n_waiting`` (not by T);
        ``n_in_time``, answered within ``hours``, and ``in_time_share`` (float) of those that
        arrived at least so long before T; ``median_hours_to_reply`` and ``p90_hours_to_reply``
        (float), elapsed hours by which half, and nine in ten, had an answer, unanswered ones
        censored at T (Kaplan and Meier, 1958); missing where fewer ever had. ``is_mature`` (the
        period was over at T) and ``is_whole``, as in ``outcomes``.

        Raises UnknownGroup for another grouping, or a cohort narrowed by another one; UsageError
        for hours that are no whole number of at least 1.

        >>> visits.replies(hours=24)[["n_questions", "n_answered", "n_in_time"]]
           n_questions  n_answered  n_in_time
        0            3           3          1
        """
        return self._figure(FIGURE, by=by, every=every, hours=hours, min_count=min_count)
