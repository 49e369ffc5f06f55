"""The cohort: the one place where a question's scope is set. Every figure is a method of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NoReturn

import pandas as pd

from avon_analytics.appointments.cancellations import cancellations
from avon_analytics.appointments.cohort_behind import CohortBehind
from avon_analytics.appointments.comparison import compare
from avon_analytics.appointments.funnel import funnel
from avon_analytics.appointments.incidence import incidence
from avon_analytics.appointments.lead_times import lead_times
from avon_analytics.appointments.lost_time import lost_time
from avon_analytics.appointments.outcomes import outcomes
from avon_analytics.appointments.punctuality import punctuality
from avon_analytics.appointments.rebooking import rebooking
from avon_analytics.appointments.refills import refills
from avon_analytics.appointments.refused import refuse
from avon_analytics.appointments.replies import replies
from avon_analytics.appointments.reschedules import reschedules
from avon_analytics.appointments.returns import returns


@dataclass(frozen=True, slots=True, repr=False)
class Cohort(CohortBehind):
    """Slots and appointments of one scope, as of one instant. It does not change.

    Made by ``appointments``. All its figures share one population, and the same store and scope
    give the same figures for ever; once the store has changed, they raise StaleCohort. Every figure
    is a DataFrame with fixed columns and types, also when it has no rows; its ``attrs`` hold
    ``definition``, ``as_of`` (ISO 8601), ``min_count`` and ``n_unverified_events`` (events about
    these appointments whose signature is not verified). Each ``x_share`` (0 to 1, missing where its
    denominator is 0) is followed by ``x_share_n``, its denominator, and ``x_share_low`` and
    ``x_share_high``, its 95 % Wilson interval. Groups come first, named like the grouping; a
    missing value is a group of its own, and comes last.

    ``min_count`` blanks counts from 1 to just below it, and what would tell them; counts are then
    ``Int64``. Without it a figure takes the cohort's.
    """

    def outcomes(
        self,
        by: str | Iterable[str] = (),
        every: str | None = None,
        *,
        basis: str = "completed",
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
        """
        return outcomes(self._ask(min_count), by=by, every=every, basis=basis)

    def funnel(
        self,
        by: str | Iterable[str] = (),
        *,
        unit: str = "appointment",
        min_count: int | None = None,
    ) -> pd.DataFrame:
        """How far appointments came, and where those went that did not come further.

        Three rows per group: ``step`` 1 to 3, ``stage`` booked, started, completed. All
        appointments of the cohort count, due or not (``unit="slot"``: all slots). A later stage
        implies the earlier ones. An appointment all of whose patients were no-shows stops at
        booked; one that started and was not completed stops at started.

        Columns: counts (int64) ``n_reached`` = ``n_observed`` (the webhook named after the stage
        came) + ``n_inferred``; shares (float) ``first_share`` of those booked and
        ``previous_share`` of those that reached the stage before (missing at the first stage);
        ``median_hours_from_previous``, ``p90_hours_from_previous`` (float, elapsed hours, of those
        with both instants, quantiles interpolated linearly); and where those went that stopped
        here: ``n_cancelled``, ``n_no_show``, ``n_rescheduled``, ``n_unresolved`` (due),
        ``n_open`` (not due). ``n_reached`` is the next stage's ``n_reached`` plus these five.

        Raises UnknownGroup, listing the choices, for an unknown grouping or unit.
        """
        return funnel(self._ask(min_count), by=by, unit=unit)

    def cancellations(
        self,
        by: str | Iterable[str] = (),
        every: str | None = None,
        *,
        min_count: int | None = None,
    ) -> pd.DataFrame:
        """How many due slots were cancelled, by whom and how late.

        One row per group and, with ``every``, per period, as in ``outcomes``. ``by`` may also be
        notice_band, cancelled_by or reason, which are missing for slots that were not cancelled.

        Columns: ``period_on`` (only with ``every``); counts (int64) ``n_due`` (due slots that were
        not rescheduled), ``n_cancelled`` = ``n_by_patient`` + ``n_by_provider`` +
        ``n_by_unknown``, ``n_late`` (less notice than the cohort's ``late``, after the start
        included), ``n_after_start``; shares (float) ``cancelled_share`` of ``n_due``,
        ``patient_cancelled_share`` = by patient / (attended + no-show + by patient),
        ``provider_cancelled_share`` = by provider / (attended + by provider), ``late_share`` of
        those cancelled with known notice; ``median_notice_hours`` (float): start minus
        cancellation in elapsed hours, negative after the start; ``is_mature`` and
        ``is_whole``, as in ``outcomes``.

        Raises UnknownGroup, listing the choices, for an unknown grouping or period.
        """
        return cancellations(self._ask(min_count), by=by, every=every)

    def reschedules(
        self,
        by: str | Iterable[str] = (),
        every: str | None = None,
        *,
        min_count: int | None = None,
    ) -> pd.DataFrame:
        """How many slots were moved to another start, which way, and with how much notice.

        One row per group and, with ``every``, per period, as in ``outcomes``. All slots count, due
        or not. A visit that was moved twice is three slots, two of them superseded.

        Columns: ``period_on`` (only with ``every``); counts (int64) ``n_slots``, ``n_superseded``
        (moved away from, whatever their outcome) = ``n_moved_earlier`` + ``n_moved_later``;
        ``superseded_share`` (float) of ``n_slots``; of the superseded, in elapsed hours (float)
        ``median_shift_hours``, the new start minus the old one, positive when later, and
        ``median_notice_hours``, the old start minus the event that moved it; ``is_mature`` and
        ``is_whole``, as in ``outcomes``.

        Raises UnknownGroup, listing the choices, for an unknown grouping or period.
        """
        return reschedules(self._ask(min_count), by=by, every=every)

    def lead_times(
        self,
        by: str | Iterable[str] = (),
        every: str | None = None,
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
        """
        return lead_times(self._ask(min_count), by=by, every=every, within=within)

    def rebooking(
        self,
        by: str | Iterable[str] = (),
        *,
        days: int = 30,
        min_count: int | None = None,
    ) -> pd.DataFrame:
        """Whether patients came back after a cancellation or a no-show.

        One row per group of the cohort's slots, each of which that was cancelled or missed is
        followed for ``days`` times 24 hours: from its cancellation, or from the start that was
        missed. What the patient did next is looked for in the whole store as of T, not in the
        cohort alone (internal meetings apart, unless the cohort includes them).

        Columns: counts (int64) ``n_index``, all that were cancelled or missed; ``n_followed``,
        those with a known patient and so many days before T; ``n_already_held`` of these, whose
        patient then had another appointment open: booked by then, its start still to come, neither
        cancelled nor moved; ``n_rebooked`` of the rest, whose patient booked another appointment
        within the days; ``n_returned`` of the followed, whose patient attended a planned start
        within the days. Shares (float) ``rebooked_share`` of ``n_followed`` - ``n_already_held``,
        ``returned_share`` of ``n_followed``; ``median_days_to_rebook`` (float), elapsed days of
        the rebooked. Of one instant, a booking counts as held, not as booked afterwards.

        Raises UnknownGroup, listing the choices, for an unknown grouping; UsageError for days
        that are not a whole number of at least 1.
        """
        return rebooking(self._ask(min_count), by=by, days=days)

    def returns(
        self,
        by: str | Iterable[str] = (),
        every: str | None = None,
        *,
        days: int = 90,
        min_count: int | None = None,
    ) -> pd.DataFrame:
        """What patients did after a visit, and who has nothing booked.

        One row per group and, with ``every``, per period of the cohort's attended slots with a
        known patient, each followed from its start for ``days`` times 24 hours. What the patient
        did next is looked for in the whole store as of T (internal meetings apart, unless the
        cohort includes them).

        Columns: counts (int64) ``n_attended``; ``n_followed``, those with so many days before T;
        ``n_already_held`` of these, whose patient then had another visit planned and still to
        come; ``n_followed_up``, who held one, or booked or attended one within the days;
        ``n_returned``, who attended one within them. A booking made after the visit that it is
        for is none. ``n_patients`` counts each patient once a row, so rows do not add up;
        ``n_without_booking`` of these hold no open slot that starts after T. Shares (float)
        ``followed_up_share`` and ``returned_share`` of ``n_followed``, ``without_booking_share``
        of ``n_patients``; ``median_days_to_return`` (float), elapsed days of the returned;
        ``is_mature`` and ``is_whole``, as in ``outcomes``.

        Raises UnknownGroup for an unknown grouping; UsageError for days that are no whole number
        of at least 1.
        """
        return returns(self._ask(min_count), by=by, every=every, days=days)

    def lost_time(
        self,
        by: str | Iterable[str] = (),
        every: str | None = None,
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
        """
        return lost_time(self._ask(min_count), by=by, every=every)

    def refills(
        self, by: str | Iterable[str] = (), *, min_count: int | None = None
    ) -> pd.DataFrame:
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
        """
        return refills(self._ask(min_count), by=by)

    def replies(
        self,
        by: str | Iterable[str] = (),
        every: str | None = None,
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
        """
        return replies(self._ask(min_count), by=by, every=every, hours=hours)

    def incidence(
        self, by: str | Iterable[str] = (), *, min_count: int | None = None
    ) -> pd.DataFrame:
        """By which day since the booking slots had ended, and how.

        One row per group, ``cause`` (attended, no_show, cancelled, rescheduled) and ``day`` on
        which any slot of the group left: whole local days since the booking, 0 where it is
        negative. Slots with a known booking count, due or not: attended and no_show at the planned
        start, cancelled and rescheduled at their instant; unresolved slots are censored at the
        planned start, open ones at T. What ended without a known start is left out.

        Columns: ``day`` (int64), counts (int64) ``n_at_risk`` (had not left before that day) and
        ``n_events`` (left on it by this cause); ``cumulative_incidence`` (float), Aalen-Johansen,
        with ``_low`` and ``_high``, its 95 % interval on the scale log(-log), missing while the
        incidence is 0 and where it is 1. The causes of a day share its ``n_at_risk``; their
        incidences add up to at most 1.

        Raises UnknownGroup, listing the choices, for an unknown grouping.
        """
        return incidence(self._ask(min_count), by=by)

    def punctuality(
        self,
        by: str | Iterable[str] = (),
        every: str | None = None,
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
        """
        return punctuality(self._ask(min_count), by=by, every=every)

    def compare(
        self,
        other: Cohort,
        figure: str = "outcomes",
        by: str | Iterable[str] = (),
        **options: Any,
    ) -> pd.DataFrame:
        """How the shares of this cohort differ from those of another one.

        One row per group and share of the figure, which is any with shares (``options`` are those
        of the figure, such as ``basis`` and ``every``). Groups and periods to compare are
        cohorts: ``store.appointments(where={"host": "a"})``, say, compared with
        ``store.appointments(where={"host": "b"})``. With ``every``, periods that are not complete
        in both are left out.

        Columns: ``measure`` (str), the share's name; ``share`` here and ``other_share`` there,
        each with denominator and interval as in any figure; ``difference`` (float), the first
        minus the other, with ``difference_low`` and ``difference_high``, its 95 % interval after
        Newcombe (1998); ``p_value`` (float), how often chance alone would part them so far, exact,
        two-sided and mid-P, and ``q_value``, which allows for all groups of the same share
        (Benjamini and Hochberg, 1995): of many groups, look at that. A group that only one of them
        has gets missing values for the other. All take the two for independent, which they are not
        if they share patients.

        Warns with DefinitionsDiffer where the two are not defined alike (as_of, window date,
        grace, …) or share slots. Raises UnknownGroup for an unknown figure or grouping.
        """
        return compare(self, other, figure, by, options)

    def fill_rate(self) -> NoReturn:
        """Not to be had from webhooks. Raises NeedsScheduleTemplate, with the reason."""
        refuse("fill_rate")

    def third_next_available(self) -> NoReturn:
        """Not to be had from webhooks. Raises NeedsScheduleTemplate, with the reason."""
        refuse("third_next_available")
