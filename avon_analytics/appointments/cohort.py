"""The cohort: the one place where a question's scope is set. Every figure is a method of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

import pandas as pd

from avon_analytics.appointments.cancellations import cancellations
from avon_analytics.appointments.cohort_behind import CohortBehind
from avon_analytics.appointments.comparison import compare
from avon_analytics.appointments.funnel import funnel
from avon_analytics.appointments.incidence import incidence
from avon_analytics.appointments.outcomes import outcomes
from avon_analytics.appointments.rebooking import rebooking
from avon_analytics.appointments.refused import refuse
from avon_analytics.appointments.reschedules import reschedules
from avon_analytics.appointments.returns import returns
from avon_analytics.appointments.words import Basis, By, Every, Unit


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
    missing value is a group of its own, and comes last. Of ids, ``<group>_name`` follows: of hosts
    from the records of staff, of all else from your labels.

    ``min_count`` blanks counts from 1 to just below it, and what would reveal them; counts are then
    ``Int64``. Without it a figure takes the cohort's.
    """

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
        return outcomes(self._ask(min_count), by=by, every=every, basis=basis)

    def funnel(
        self,
        by: By = (),
        *,
        unit: Unit = "appointment",
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

        >>> visits.funnel()[["stage", "n_reached", "first_share"]].round(3)
               stage  n_reached  first_share
        0     booked         29        1.000
        1    started         18        0.621
        2  completed         18        0.621
        """
        return funnel(self._ask(min_count), by=by, unit=unit)

    def cancellations(
        self,
        by: By = (),
        every: Every | None = None,
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

        >>> visits.cancellations(by="notice_band")[["notice_band", "n_cancelled", "n_late"]]
           notice_band  n_cancelled  n_late
        0  after start            1       1
        1   2-24 hours            4       4
        2  over 7 days            1       0
        3          NaN            0       0
        """
        return cancellations(self._ask(min_count), by=by, every=every)

    def reschedules(
        self,
        by: By = (),
        every: Every | None = None,
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

        >>> visits.reschedules()[["n_slots", "n_superseded", "n_moved_later"]]
           n_slots  n_superseded  n_moved_later
        0       35             3              3
        """
        return reschedules(self._ask(min_count), by=by, every=every)

    def rebooking(
        self,
        by: By = (),
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

        >>> visits.rebooking(days=30)[["n_index", "n_followed", "n_rebooked", "n_returned"]]
           n_index  n_followed  n_rebooked  n_returned
        0        9           9           1           2
        """
        return rebooking(self._ask(min_count), by=by, days=days)

    def returns(
        self,
        by: By = (),
        every: Every | None = None,
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

        >>> visits.returns(days=90)[["n_attended", "n_followed", "n_returned"]]
           n_attended  n_followed  n_returned
        0          18          13           1
        """
        return returns(self._ask(min_count), by=by, every=every, days=days)

    def incidence(self, by: By = (), *, min_count: int | None = None) -> pd.DataFrame:
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

        >>> attended = visits.incidence().query("cause == 'attended' and n_events > 0")
        >>> attended[["day", "n_at_risk", "n_events", "cumulative_incidence"]].head(2).round(3)
           day  n_at_risk  n_events  cumulative_incidence
        0    0         35         1                 0.029
        1    1         33         3                 0.114
        """
        return incidence(self._ask(min_count), by=by)

    def compare(
        self,
        other: Cohort,
        figure: str = "outcomes",
        by: By = (),
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

        >>> early = store.appointments(end="2025-07-01")
        >>> late = store.appointments(start="2025-07-01")
        >>> columns = ["measure", "difference", "difference_low", "difference_high"]
        >>> late.compare(early)[columns].round(2)
                   measure  difference  difference_low  difference_high
        0    no_show_share       -0.20           -0.45             0.21
        1   attended_share        0.18           -0.21             0.45
        2  cancelled_share       -0.11           -0.35             0.26
        """
        return compare(self, other, figure, by, options)

    def fill_rate(self) -> NoReturn:
        """Not to be had from webhooks. Raises NeedsScheduleTemplate, with the reason.

        >>> visits.fill_rate()
        Traceback (most recent call last):
            ...
        avon_analytics.errors.NeedsScheduleTemplate: fill rate is ...
        """
        refuse("fill_rate")

    def third_next_available(self) -> NoReturn:
        """Not to be had from webhooks. Raises NeedsScheduleTemplate, with the reason.

        >>> visits.third_next_available()
        Traceback (most recent call last):
            ...
        avon_analytics.errors.NeedsScheduleTemplate: third next ...
        """
        refuse("third_next_available")
