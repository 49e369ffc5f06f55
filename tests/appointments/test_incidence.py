"""incidence: risk sets and curves worked out by hand, and against a second implementation."""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from statsmodels.duration.survfunc import CumIncidenceRight

from avon_analytics.appointments.statistics.aalen_johansen import aalen_johansen
from avon_analytics.figures.incidence import CAUSES

if TYPE_CHECKING:
    from tests.appointments.conftest import Clinic


def five_visits(clinic: Clinic) -> None:
    """All booked on the 1st: two end on day 2, one is unresolved (day 3), missed (5), open (7)."""
    for visit, day in (("a", 3), ("b", 20), ("c", 4), ("d", 6), ("e", 9)):
        clinic.tell("created", "03-01 09:00", visit, start=f"03-{day:02} 15:00")
    clinic.tell("completed", "03-03 15:30", "a", start="03-03 15:00")
    clinic.tell("cancelled", "03-03 09:00", "b", start="03-20 15:00")
    clinic.tell("no_show", "03-06 16:00", "d", start="03-06 15:00")


AS_OF = "03-08 12:00"


def test_by_hand(clinic: Clinic) -> None:
    five_visits(clinic)
    rows = clinic.visits(as_of=clinic.at(AS_OF)).incidence()
    assert list(rows.cause) == [cause for cause in CAUSES for _ in range(4)]
    assert list(rows.day) == [2, 3, 5, 7] * 4
    assert list(rows.n_at_risk) == [5, 3, 2, 1] * 4
    curves = rows.set_index("cause")
    assert list(curves.loc["attended"].n_events) == [1, 0, 0, 0]
    assert list(curves.loc["no_show"].n_events) == [0, 0, 1, 0]
    assert list(curves.loc["attended"].cumulative_incidence) == [0.2] * 4
    assert list(curves.loc["cancelled"].cumulative_incidence) == [0.2] * 4
    # Three fifths were left when one of two missed theirs.
    assert curves.loc["no_show"].cumulative_incidence.tolist() == pytest.approx([0, 0, 0.3, 0.3])
    assert list(curves.loc["rescheduled"].cumulative_incidence) == [0] * 4
    # 1 of 5: standard error 0.1789 = sqrt(4 / 125), on the scale log(-log) 0.5558; times 1.96
    # the power is exp(1.0893) = 2.972 and its inverse.
    first = curves.loc["attended"].iloc[0]
    assert first.cumulative_incidence_low == pytest.approx(0.2**2.972, abs=1e-4)
    assert first.cumulative_incidence_high == pytest.approx(0.2 ** (1 / 2.972), abs=1e-4)
    assert curves.loc["rescheduled"].cumulative_incidence_low.isna().all()


def test_causes_end_where_they_are_said_to(clinic: Clinic) -> None:
    """Attended and missed at the start, cancelled and moved at their instant, local days."""
    zone: dict[str, Any] = {"timezone": "America/New_York"}
    # Booked on the 1st there (the 2nd in UTC).
    clinic.tell("created", "03-02 03:00", "v", start="03-10 15:00", **zone)
    # Moved on the 4th there (the 5th in UTC): day 3. Then attended on the 12th: day 11.
    clinic.tell("rescheduled", "03-05 03:00", "v", start="03-12 15:00", **zone)
    clinic.tell("completed", "03-12 15:30", "v", start="03-12 15:00", **zone)
    # Cancelled after the start, on the 11th there: day 10.
    clinic.tell("created", "03-02 03:00", "w", start="03-10 15:00", **zone)
    clinic.tell("cancelled", "03-12 03:00", "w", start="03-10 15:00", **zone)
    rows = clinic.visits().incidence()
    told = rows[rows.n_events > 0]
    assert list(zip(told.cause, told.day, told.n_at_risk, strict=True)) == [
        ("attended", 11, 1),
        ("cancelled", 10, 2),
        ("rescheduled", 3, 3),
    ]


def test_negative_days_are_day_0_and_unknown_bookings_are_left_out(clinic: Clinic) -> None:
    clinic.tell("created", "03-20 09:00", "late")  # booked ten days after its start
    clinic.tell("completed", "03-20 09:30", "late")
    clinic.tell("completed", "03-10 15:30", "unbooked")
    rows = clinic.visits().incidence()
    assert set(rows.day) == {0}
    assert list(rows.n_at_risk) == [1] * 4
    attended = rows[rows.cause == "attended"].iloc[0]
    assert attended.cumulative_incidence == 1
    assert pd.isna(attended.cumulative_incidence_low)
    assert pd.isna(attended.cumulative_incidence_high)


def test_an_open_slot_is_censored_at_t_and_not_at_its_start(clinic: Clinic) -> None:
    clinic.tell("created", "03-01 09:00", "v", start="05-01 15:00")
    assert set(clinic.visits(as_of=clinic.at("03-06 12:00")).incidence().day) == {5}


def test_groups_have_risk_sets_of_their_own(clinic: Clinic) -> None:
    five_visits(clinic)
    clinic.tell("created", "03-01 09:00", "f", start="03-03 15:00", host="el", attendees=["ann"])
    clinic.tell("completed", "03-03 15:30", "f", start="03-03 15:00", host="el", attendees=["ann"])
    clinic.tell("created", "03-01 09:00", "g", start="03-04 15:00", host=None, attendees=["ann"])
    rows = clinic.visits(as_of=clinic.at(AS_OF)).incidence("host")
    at_first = rows[(rows.cause == "attended")].groupby("host", dropna=False).first()
    assert at_first.n_at_risk.tolist() == [5, 1, 1]
    assert at_first.cumulative_incidence.tolist() == [0.2, 1, 0]
    assert pd.isna(rows.host.iloc[-1])


def test_the_slots_that_left_add_up_to_those_at_risk(clinic: Clinic) -> None:
    five_visits(clinic)
    rows = clinic.visits(as_of=clinic.at(AS_OF)).incidence()
    curve = rows[rows.cause == "attended"]
    n_events = rows.groupby("day").n_events.sum()
    n_censored = 2
    assert curve.n_at_risk.iloc[0] == n_events.sum() + n_censored


# The estimator


def random_ends(seed: int, n: int, days: int) -> tuple[np.ndarray, np.ndarray]:
    rng = Random(seed)
    time = np.array([rng.randrange(days) for _ in range(n)])
    cause = np.array([rng.choice((0, 1, 1, 2, 3)) for _ in range(n)])
    return time, cause


def table(time: np.ndarray, cause: np.ndarray, which: int) -> tuple[np.ndarray, ...]:
    days = np.unique(time)
    at_risk = np.array([(time >= day).sum() for day in days])
    events = np.array([((time == day) & (cause == which)).sum() for day in days])
    of_any = np.array([((time == day) & (cause > 0)).sum() for day in days])
    return at_risk, events, of_any


@pytest.mark.parametrize(("seed", "n", "days"), [(1, 40, 8), (2, 300, 30), (3, 2000, 60)])
def test_against_statsmodels(seed: int, n: int, days: int) -> None:
    time, cause = random_ends(seed, n, days)
    with np.errstate(divide="ignore", invalid="ignore"):
        second = CumIncidenceRight(time, cause)
    for which in (1, 2, 3):
        incidence, low, high = aalen_johansen(*table(time, cause, which))
        np.testing.assert_allclose(incidence, second.cinc[which - 1], atol=1e-13)
        error = second.cinc_se[which - 1]
        inside = (incidence > 0) & np.isfinite(error)
        assert inside.sum() > days / 2
        scale = 1.959963984540054 * error / (incidence * np.log(incidence))
        np.testing.assert_allclose(low[inside], (incidence ** np.exp(-scale))[inside], atol=1e-9)
        np.testing.assert_allclose(high[inside], (incidence ** np.exp(scale))[inside], atol=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_against_exact_fractions_with_many_ties(seed: int) -> None:
    time, cause = random_ends(seed, 60, 6)
    total = np.zeros(len(np.unique(time)))
    for which in (1, 2, 3):
        at_risk, events, of_any = table(time, cause, which)
        left, sum_of, expected = Fraction(1), Fraction(0), []
        for n, d, all_of_day in zip(at_risk, events, of_any, strict=True):
            sum_of += left * Fraction(int(d), int(n))
            left *= 1 - Fraction(int(all_of_day), int(n))
            expected.append(float(sum_of))
        incidence, low, high = aalen_johansen(at_risk, events, of_any)
        np.testing.assert_allclose(incidence, expected, atol=1e-14)
        known = ~np.isnan(low)
        assert (low[known] < incidence[known]).all()
        assert (incidence[known] < high[known]).all()
        assert (np.diff(incidence) >= 0).all()
        total += incidence
    assert (total <= 1 + 1e-12).all()


def test_without_censoring_it_is_the_share_and_its_binomial_variance() -> None:
    """10 of 40 by this cause on day 1, the other 30 otherwise: p = 1/4, variance p (1 - p) / 40."""
    incidence, low, _ = aalen_johansen([40], [10], [40])
    assert incidence[0] == 0.25
    error = np.sqrt(0.25 * 0.75 / 40) / (0.25 * np.log(4))
    assert low[0] == pytest.approx(0.25 ** np.exp(1.959963984540054 * error))


@pytest.mark.parametrize("n", [7, 9, 10, 25])
def test_a_curve_that_reaches_one_says_nothing_beside_it(n: int) -> None:
    """Of n who left one a day the shares add up to one, but for the last digit."""
    curve, low, high = aalen_johansen(range(n, 0, -1), np.ones(n), np.ones(n))
    assert 0 <= 1 - curve[-1] < 1e-12
    assert np.isnan([low[-1], high[-1]]).all()


def test_nobody_is_an_empty_curve() -> None:
    assert [len(part) for part in aalen_johansen([], [], [])] == [0, 0, 0]
