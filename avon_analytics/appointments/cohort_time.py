"""The figures of a cohort that are times: booked ahead, lost, filled again, waited, run over."""

from __future__ import annotations

import pandas as pd

from avon_analytics.appointments.cohort_rows import CohortRows
from avon_analytics.appointments.lead_times import lead_times
from avon_analytics.appointments.lost_time import lost_time
from avon_analytics.appointments.punctuality import punctuality
from avon_analytics.appointments.refills import refills
from avon_analytics.appointments.replies import replies
from avon_analytics.appointments.words import By, Every


class CohortTime(CohortRows):
    """How long: days booked ahead, hours lost and filled again, waits and delays."""

    __slots__ = ()

    def lead_times(
        self,
        by: By = (),
        every: Every | None = None,
        *,
        within: int = 14,
        min_count: int | None = None,
    ) -> pd.DataFrame:
        """How long ahead appointments were booked, and which share was soon seen.

        One row per group and, with ``every``, per period of the booking. The cohort's window is
        taken as one of bookings, whatever ``on`` says: a window of starts would cut long leads
        away. What has no booking date is one row without a period.

        Columns: ``period_on`` (only with ``every``); counts (int64) ``n_appointments`` and
        ``n_with_lead`` (both booking and first start are known); of these ``median_lead_days`` and
        ``p90_lead_days`` (float): local calendar days from booking to first planned start,
        negative where it was booked afterwards; ``n_followed``, of all those booked so long before
        T that ``within`` local days and the grace are over; ``n_within`` of these, attended with a
        planned start at most so many days after the booking; ``within_share`` (float) of
        ``n_followed``, so that cancelled, missed and later visits count as not seen; ``is_mature``
        (the period was over at T) and ``is_whole``, as in ``outcomes``.

        Raises UnknownGroup, listing the choices, for an unknown grouping or period; UsageError for
        days that are not a whole number of at least 0.

        >>> visits.lead_times()[["n_appointments", "median_lead_days", "within_share"]].round(2)
           n_appointments  median_lead_days  within_share
        0              29              10.0          0.32
        """
        return lead_times(self._ask(min_count), by=by, every=every, within=within)

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
        return lost_time(self._ask(min_count), by=by, every=every)

    def refills(self, by: By = (), *, min_count: int | None = None) -> pd.DataFrame:
        """How much of the time that was given back before its start others took.

        One row per group of the due sessions, with a host and a length, that were cancelled or
        moved before their start. ``by`` may also be ``notice_band`` and ``released_by``
        (cancelled, rescheduled). Sessions that refill one are sought in the whole store as of T,
        due or not: of the same host, overlapping it, their own start planned after the release
        and before the released end.

        Columns: ``n_released`` (int64), ``released_hours``; ``n_refilled`` (int64), those with at
        least half of their time refilled; ``refilled_share`` (float) of ``n_released``;
        ``refilled_hours``, ``refilled_ratio`` = refilled / released hours,
        ``attended_again_hours``, the refilled hours to which somebody came;
        ``median_hours_to_refill`` (float), of the refilled, from the release to the planning of
        the first refill. Each moment of a refilling session counts for one released session, that
        released last.

        Unlike the common refill rate, moves are releases, the same patient may refill, and half
        the time suffices. Raises UnknownGroup for a grouping that is not the session's own.

        >>> visits.refills()[["n_released", "released_hours", "refilled_hours"]]
           n_released  released_hours  refilled_hours
        0           7        3.583333             0.0
        """
        return refills(self._ask(min_count), by=by)

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
        0            3           0          0
        """
        return replies(self._ask(min_count), by=by, every=every, hours=hours)

    def punctuality(
        self,
        by: By = (),
        every: Every | None = None,
        *,
        min_count: int | None = None,
    ) -> pd.DataFrame:
        """How late attended slots began, and how far they ran over.

        One row per group and, with ``every``, per period, as in ``outcomes``.

        Columns: ``period_on`` (only with ``every``); counts (int64) ``n_attended``, due slots that
        were attended, as in ``outcomes``, and ``n_with_actual_times``, those whose actual start
        and end are both known; of these, in minutes (float), negative when early:
        ``median_start_delay_minutes`` and ``p90_start_delay_minutes``, the actual start minus the
        planned one, and ``median_overrun_minutes``, the actual end minus the planned one;
        ``is_mature`` and ``is_whole``, as in ``outcomes``.

        Raises UnknownGroup, listing the choices, for an unknown grouping or period.

        >>> visits.punctuality()[["n_attended", "median_start_delay_minutes"]].round(1)
           n_attended  median_start_delay_minutes
        0          18                         9.6
        """
        return punctuality(self._ask(min_count), by=by, every=every)
