"""What ties figures to each other, to their parts and to the rows behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

import avon_analytics as avon
from avon_analytics.appointments.cohort import Cohort
from avon_analytics.appointments.slots import derived
from avon_analytics.appointments.slots import steps as computing
from avon_analytics.store.database import Database
from tests.appointments.conftest import Clinic
from tests.appointments.test_properties import events, when
from tests.frames import column_names, plain, records

if TYPE_CHECKING:
    from tests.conftest import Loaded

DAY = timedelta(days=1)
BY = ("interaction_type", "patient_state", ["weekday", "host"], "lead_band")


@pytest.fixture(scope="module", params=["random", "sample"])
def ask(request: pytest.FixtureRequest, sample: Loaded) -> Iterator[Callable[..., Cohort]]:
    """How to ask a made-up clinic for a cohort."""
    if request.param == "sample":
        with avon.open(sample.db) as store, store._database.reading():
            yield store.appointments
        return
    database = Database(":memory:")
    clinic = Clinic(database)
    rng = Random("identities")
    told = events(rng, 80)
    booked = {event["visit"]: when(rng) for event in told}
    for event in told:
        clinic.tell(**{**event, "created_at": event["created_at"] and booked[event["visit"]]})
    clinic.person("ann", state="NY")
    clinic.person("bob", state="MA")
    yield clinic.visits
    database.close()


def counts(rows: pd.DataFrame) -> pd.Series:
    counted = [n for n in column_names(rows) if n.startswith("n_") or n.endswith("_share_n")]
    return rows[counted].sum()


def minutes(later: pd.Series, earlier: pd.Series) -> pd.Series:
    """From one column of instants to another."""
    return (later - earlier).dt.total_seconds() / 60


def instant_of(visits: Cohort) -> pd.Timestamp:
    """The instant as of which the cohort is asked."""
    assert visits.as_of is not None
    return pd.Timestamp(visits.as_of)


COUNTED: dict[str, dict[str, Any]] = {
    "outcomes": {},
    "cancellations": {},
    "reschedules": {},
    "lead_times": {},
    "rebooking": {"days": 3},
    "punctuality": {},
}


@pytest.mark.parametrize("figure", COUNTED)
def test_groups_and_periods_add_up_to_the_whole(ask: Callable[..., Cohort], figure: str) -> None:
    options = COUNTED[figure]
    visits = ask()
    whole = counts(getattr(visits, figure)(**options))
    assert whole.iloc[0] > 0
    for by in BY:
        assert counts(getattr(visits, figure)(by, **options)).equals(whole), by
    if figure != "rebooking":
        for every in ("day", "month"):
            assert counts(getattr(visits, figure)("host", every)).equals(whole)


@pytest.mark.parametrize("figure", COUNTED)
def test_disjoint_cohorts_add_up_to_the_whole(ask: Callable[..., Cohort], figure: str) -> None:
    options = COUNTED[figure]
    whole = counts(getattr(ask(), figure)(**options))
    kinds = [*ask().outcomes("interaction_type").interaction_type.dropna(), None]
    parts = [ask(where={"interaction_type": kind}) for kind in kinds]
    counted = [counts(getattr(part, figure)(**options)) for part in parts]
    assert pd.DataFrame(counted).sum().equals(whole)
    for on in ("start", "booked"):
        cut = {"start": "2025-03-16", "booked": "2025-03-01"}[on]
        before, after = ask(end=cut, on=on), ask(start=cut, on=on)
        dated = counts(getattr(before, figure)(**options)) + counts(
            getattr(after, figure)(**options)
        )
        everything = ask(start="1900-01-01", on=on)
        assert dated.equals(counts(getattr(everything, figure)(**options)))


def test_the_funnel_adds_up_and_never_grows(ask: Callable[..., Cohort]) -> None:
    ends = ["n_cancelled", "n_no_show", "n_rescheduled", "n_unresolved", "n_open"]
    for unit in ("appointment", "slot"):
        whole = ask().funnel(unit=unit)
        for by in BY:
            rows = ask().funnel(by, unit=unit)
            added = rows.groupby("step")[["n_reached", "n_observed", "n_inferred", *ends]].sum()
            for name in added:
                assert list(added[name]) == list(whole[name])
            for _, group in rows.groupby(np.arange(len(rows)) // 3):
                reached = list(group.n_reached)
                assert reached == sorted(reached, reverse=True)
                went = list(group[ends].sum(axis=1))
                assert went == [reached[0] - reached[1], reached[1] - reached[2], 0]


def test_figures_agree_with_each_other(ask: Callable[..., Cohort]) -> None:
    for by in BY:
        outcomes, moves = ask().outcomes(by), ask().reschedules(by)
        cancelled, visits = ask().cancellations(by), ask().punctuality(by)
        assert list(moves.n_slots) == list(outcomes.n_slots)
        assert (moves.n_superseded >= outcomes.n_rescheduled).all()
        assert (moves.n_superseded == moves.n_moved_earlier + moves.n_moved_later).all()
        assert list(cancelled.n_due) == list(outcomes.attended_share_n)
        assert list(cancelled.n_cancelled) == list(outcomes.n_cancelled)
        assert list(visits.n_attended) == list(outcomes.n_attended)
        low = outcomes.no_show_share_if_all_unresolved_attended
        high = outcomes.no_show_share_if_all_unresolved_missed
        share = outcomes.no_show_share
        known = share.notna()
        assert (low[known] <= share[known]).all()
        assert (share[known] <= high[known]).all()
        lead, funnel = ask().lead_times(by), ask().funnel(by)
        assert list(lead.n_appointments) == list(funnel.n_reached[funnel.step == 1])


def test_incidence_adds_up(ask: Callable[..., Cohort]) -> None:
    whole = ask().incidence().set_index(["cause", "day"])
    for by in BY:
        rows = ask().incidence(by)
        assert (
            rows.groupby(["cause", "day"])
            .n_events.sum()
            .sort_index()
            .equals(whole.n_events.sort_index())
        )
        keys = list(rows.columns[: list(rows.columns).index("cause")])
        starts = rows[rows.cause == "attended"].groupby(keys, dropna=False).n_at_risk.max()
        assert starts.sum() == whole.n_at_risk.max()
        last = rows.groupby([*keys, "cause"], dropna=False).cumulative_incidence.last()
        assert (last.groupby(level=keys, dropna=False).sum() < 1 + 1e-12).all()


# The rows behind the figures, counted once more in plain Python


def naive_rebooking(slots: pd.DataFrame, as_of: pd.Timestamp, days: int) -> dict[str, Any]:
    rows = records(plain(slots))
    n = dict.fromkeys(("n_index", "n_followed", "n_already_held", "n_rebooked", "n_returned"), 0)
    waits = []
    for row in rows:
        if row["outcome"] not in ("cancelled", "no_show"):
            continue
        n["n_index"] += 1
        then = row["cancelled_at"] if row["outcome"] == "cancelled" else row["start_at"]
        until = then + days * DAY
        if row["patient_id"] is None or until > as_of:
            continue
        n["n_followed"] += 1
        own = [one for one in rows if one["patient_id"] == row["patient_id"]]
        others = [one for one in own if one["appointment_id"] != row["appointment_id"]]
        n["n_returned"] += any(
            one["outcome"] == "attended" and then < one["start_at"] <= until for one in own
        )
        if any(is_open(one, others, then) for one in others):
            n["n_already_held"] += 1
            continue
        booked = [one["booked_at"] for one in others if one["booked_at"] is not None]
        later = [instant for instant in booked if then < instant <= until]
        if later:
            n["n_rebooked"] += 1
            waits.append((min(later) - then) / DAY)
    return {**n, "median_days_to_rebook": float(np.median(waits)) if waits else None}


def is_open(slot: dict[str, Any], others: list[dict[str, Any]], then: pd.Timestamp) -> bool:
    earlier = [
        one
        for one in others
        if one["appointment_id"] == slot["appointment_id"] and one["slot"] < slot["slot"]
    ]
    if earlier:
        before = max(earlier, key=lambda one: one["slot"])
        begins = before["moved_at"] or before["cancelled_at"] or slot["booked_at"]
    else:
        begins = slot["booked_at"]
    ends = [slot[name] for name in ("start_at", "moved_at", "cancelled_at")]
    return begins is not None and begins <= then < min(end for end in ends if end is not None)


@pytest.mark.parametrize("days", [1, 5, 30])
@pytest.mark.parametrize("n_parts", [1, 9])
def test_rebooking_counted_once_more(
    ask: Callable[..., Cohort],
    days: int,
    n_parts: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # With another grace what patients did next is another computation.
    visits = ask(grace=24 + n_parts)
    slots = visits.slots()
    assert len(slots) > 9
    monkeypatch.setitem(derived.AT_A_TIME, "patient_id", -(-len(slots) // n_parts))
    expected = naive_rebooking(slots, instant_of(visits), days)
    (row,) = visits.rebooking(days=days).to_dict("records")
    assert {name: row[name] for name in expected if name.startswith("n_")} == {
        name: value for name, value in expected.items() if name.startswith("n_")
    }
    wait = expected["median_days_to_rebook"]
    assert row["median_days_to_rebook"] == pytest.approx(
        np.nan if wait is None else wait, nan_ok=True
    )


def test_a_few_appointments_at_a_time_make_the_same_slots(
    ask: Callable[..., Cohort], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = ask(include_internal=True, grace=26)
    expected = whole.slots(), whole.lifecycle()
    assert len(expected[1]) > 9
    monkeypatch.setattr(computing, "APPOINTMENTS_AT_A_TIME", len(expected[1]) // 5)
    parts = ask(include_internal=True, grace=26.000001)  # another computation, the same hours
    for found, rows in zip((parts.slots(), parts.lifecycle()), expected, strict=True):
        pd.testing.assert_frame_equal(found, rows)


def test_the_others_counted_once_more(ask: Callable[..., Cohort]) -> None:
    slots, lives = ask().slots(), ask().lifecycle()
    moved = slots[slots.is_superseded.astype(bool)]
    (row,) = ask().reschedules().to_dict("records")
    shift = minutes(moved.moved_to_at, moved.start_at) / 60
    assert (row["n_superseded"], row["n_moved_later"]) == (len(moved), int((shift > 0).sum()))
    assert row["median_shift_hours"] == pytest.approx(shift.median())
    notice = minutes(moved.start_at, moved.moved_at) / 60
    assert row["median_notice_hours"] == pytest.approx(notice.median())

    (row,) = ask().lead_times().to_dict("records")
    days = lives.lead_days.dropna().astype(float)
    assert (row["n_appointments"], row["n_with_lead"]) == (len(lives), len(days))
    assert row["median_lead_days"] == pytest.approx(days.median(), nan_ok=True)
    assert row["p90_lead_days"] == pytest.approx(days.quantile(0.9), nan_ok=True)

    (row,) = ask().punctuality().to_dict("records")
    timed = slots[(slots.outcome == "attended") & slots.is_due.astype(bool)]
    timed = timed[timed.actual_start_at.notna() & timed.actual_end_at.notna()]
    delay = minutes(timed.actual_start_at, timed.start_at)
    assert row["n_with_actual_times"] == len(timed)
    assert row["p90_start_delay_minutes"] == pytest.approx(delay.quantile(0.9), nan_ok=True)


def test_incidence_counted_once_more(ask: Callable[..., Cohort]) -> None:
    visits = ask()
    slots = visits.slots()
    slots = slots[slots.booked_on.notna()].astype(object)
    ended: dict[tuple[str, int], int] = {}
    left: dict[int, int] = {}
    for row in slots.where(slots.notna(), None).to_dict("records"):
        instants = {
            "cancelled": row["cancelled_at"],
            "rescheduled": row["moved_at"],
            "open": instant_of(visits),
        }
        end = instants.get(row["outcome"], row["start_at"])
        local = end.tz_convert(row["time_zone"]).tz_localize(None).normalize()
        day = max((local - row["booked_on"]).days, 0)
        left[day] = left.get(day, 0) + 1
        ended[row["outcome"], day] = ended.get((row["outcome"], day), 0) + 1
    rows = visits.incidence()
    for row in rows.to_dict("records"):
        assert row["n_events"] == ended.get((row["cause"], row["day"]), 0)
        assert row["n_at_risk"] == sum(n for day, n in left.items() if day >= row["day"])
    assert set(rows.day) == set(left)
