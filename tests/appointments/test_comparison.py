"""compare: differences of shares with Newcombe's interval, and when it warns."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from avon_analytics.appointments.statistics.intervals import newcombe
from avon_analytics.errors import AvonWarning, DefinitionsDiffer, SharedSlots, UnknownGroup

if TYPE_CHECKING:
    from tests.appointments.conftest import Clinic

pytestmark = pytest.mark.any_engine


def two_hosts(clinic: Clinic) -> None:
    """dr on a Monday: 3 attended, 1 no-show; el on a Tuesday: 1 attended, 3 no-shows."""
    number = 0
    for host, day, missed in (("dr", "03-10", 1), ("el", "03-11", 3)):
        for nth in range(4):
            number += 1
            word = "no_show" if nth < missed else "completed"
            clinic.tell(
                word,
                f"{day} 16:00",
                f"v{number}",
                start=f"{day} 15:00",
                host=host,
                attendees=["ann"],
                interaction_type="video_call" if nth % 2 else "in_person",
            )


def test_two_groups(clinic: Clinic) -> None:
    two_hosts(clinic)
    dr, el = (clinic.visits(where={"host": host}) for host in ("dr", "el"))
    rows = dr.compare(el)
    assert list(rows.measure) == ["no_show_share", "attended_share", "cancelled_share"]
    assert list(rows.columns) == [
        "measure",
        *("share", "share_n", "share_low", "share_high"),
        *("other_share", "other_share_n", "other_share_low", "other_share_high"),
        *("difference", "difference_low", "difference_high"),
        *("p_value", "q_value"),
        *("cohort", "other_cohort"),
    ]
    row = rows.iloc[0]
    assert (row.share, row.share_n, row.other_share, row.other_share_n) == (0.25, 4, 0.75, 4)
    assert row.difference == -0.5
    _, (low,), (high,) = newcombe([1], [4], [3], [4])
    assert (row.difference_low, row.difference_high) == (low, high)
    # Wilson: 1 of 4 is 0.0456 to 0.6994, 3 of 4 is 0.3006 to 0.9544.
    assert low == pytest.approx(-0.5 - (0.2044**2 + 0.2044**2) ** 0.5, abs=1e-4)
    assert high == pytest.approx(-0.5 + (0.4494**2 + 0.4494**2) ** 0.5, abs=1e-4)
    assert el.compare(dr).difference[0] == 0.5
    # 4 no-shows of 8: chance gives dr 0 to 4 of them in 1, 16, 36, 16 and 1 of 70 ways; 1 or fewer,
    # half of 1 counted, twice over.
    assert row.p_value == pytest.approx(2 * (1 + 16 / 2) / 70)
    assert el.compare(dr).p_value[0] == row.p_value
    assert list(rows.q_value) == list(rows.p_value)  # of each share there is one comparison
    assert rows.attrs["definition"].startswith("The difference of two shares")


def test_either_cohort_is_called_by_what_tells_it_from_the_other(clinic: Clinic) -> None:
    two_hosts(clinic)
    clinic.staff("dr", first_name="Ada", last_name="Testwell")

    def called(this: dict[str, Any], other: dict[str, Any]) -> tuple[str, str]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AvonWarning)
            row = clinic.visits(**this).compare(clinic.visits(**other)).iloc[0]
        return row.cohort, row.other_cohort

    march, rest = {"start": "2025-03-01", "end": "2025-04-01"}, {"start": "2025-04-01"}
    assert called(march, rest) == ("Mar 2025", "from 1 Apr 2025")
    assert called({"on": "booked", **march}, march) == ("booked Mar 2025", "Mar 2025")
    hosts = ({"where": {"host": host}} for host in ("dr", "el"))
    assert called(*hosts) == ("host Ada Testwell", "host el")
    two = {"host": ["dr", "el"], "self_booked": None}
    assert called({"where": two, **march}, {"where": {"weekday": "Monday"}}) == (
        "host Ada Testwell or el, self booked not known, Mar 2025, any weekday",
        "any host, any self booked, all dates, weekday Monday",
    )
    assert called({"where": {"host": ["dr", "el"]}}, {"where": {"host": ["el", "dr"]}}) == (
        "this cohort",
        "the other cohort",
    )
    assert called({"as_of": "03-20 12:00"}, {"as_of": "03-21 12:00"}) == (
        "as of 20 Mar 2025, 12:00 UTC",
        "as of 21 Mar 2025, 12:00 UTC",
    )
    days = ["Wednesday", "Tuesday", "Monday"], ["Thursday", "Tuesday", "Monday"]
    assert called(*({"where": {"weekday": some}} for some in days)) == (
        "this cohort",
        "the other cohort",
    )


def test_of_many_groups_q_values_allow_for_all(clinic: Clinic) -> None:
    """0 of 4 against 4 of 4, 1 of 4 against 3 of 4, and 2 of 4 against 2 of 4, by hour."""
    number = 0
    for hour, (missed, missed_then) in enumerate(((0, 4), (1, 3), (2, 2))):
        for month, missing in (("03", missed), ("04", missed_then)):
            for nth in range(4):
                number += 1
                word = "no_show" if nth < missing else "completed"
                start = f"{month}-{10 + nth} {15 + hour}:00"
                clinic.tell(word, f"{month}-20 16:00", f"v{number}", start=start)
    march, april = clinic.visits(end="2025-04-01"), clinic.visits(start="2025-04-01")
    rows = march.compare(april, by="hour")
    rows = rows[rows.measure == "no_show_share"]
    assert list(rows.difference) == [-1, -0.5, 0]
    p_values = [1 / 70, 18 / 70, 1]
    assert list(rows.p_value) == pytest.approx(p_values)
    # Each times three over its place among them.
    assert list(rows.q_value) == pytest.approx([3 / 70, 27 / 70, 1])


def test_blank_counts_are_told_by_no_p_value(clinic: Clinic) -> None:
    two_hosts(clinic)
    dr, el = (clinic.visits(where={"host": host}, min_count=3) for host in ("dr", "el"))
    row = dr.compare(el).iloc[0]
    assert row[["share", "p_value", "q_value", "difference"]].isna().all()


def test_two_periods_by_group_and_a_group_of_one_alone(clinic: Clinic) -> None:
    two_hosts(clinic)
    first = clinic.visits(end="2025-03-11")
    second = clinic.visits(start="2025-03-11", where={"interaction_type": "in_person"})
    rows = first.compare(second, "cancellations", "interaction_type")
    assert list(rows.interaction_type) == ["in_person"] * 4 + ["video_call"] * 4
    assert list(rows.measure[:4]) == [
        "cancelled_share",
        "patient_cancelled_share",
        "provider_cancelled_share",
        "late_share",
    ]
    assert list(rows.share_n[:1]) == [2]
    alone = rows.iloc[4]
    assert (alone.share, alone.share_n) == (0, 2)
    assert pd.isna(alone.other_share_n)
    assert pd.isna(alone.difference)
    assert str(rows.share_n.dtype) == "Int64"


def test_groups_keep_their_order_and_missing_ones_meet(clinic: Clinic) -> None:
    two_hosts(clinic)
    dr, el = (clinic.visits(where={"host": host}) for host in ("dr", "el"))
    rows = dr.compare(el, by=["weekday", "patient_state"])
    assert list(rows.weekday) == ["Monday"] * 3 + ["Tuesday"] * 3
    rows = dr.compare(el, by="patient_state")
    assert len(rows) == 3
    assert rows.difference[0] == -0.5


def test_options_are_those_of_the_figure(clinic: Clinic) -> None:
    two_hosts(clinic)
    clinic.tell("created", "02-27 09:00", "v1", host="dr", attendees=["ann"])
    dr, el = (clinic.visits(where={"host": host}) for host in ("dr", "el"))
    assert list(dr.compare(el, basis="booked").share_n) == [4, 4, 4]
    assert list(dr.compare(el, "reschedules", every="month").period_on) == [
        pd.Timestamp("2025-03-01")
    ]
    assert set(dr.compare(el, "funnel", unit="slot").stage) == {"booked", "started", "completed"}
    assert list(dr.compare(el, "rebooking", days=7).share_n) == [1, 1]
    with pytest.raises(UnknownGroup, match="outcomes, funnel, cancellations"):
        dr.compare(el, "punctuality")
    with pytest.raises(UnknownGroup, match="hosts"):
        dr.compare(el, by="hosts")


def test_like_cohorts_warn_of_nothing(clinic: Clinic) -> None:
    two_hosts(clinic)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clinic.visits(end="2025-03-11").compare(clinic.visits(start="2025-03-11"))


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        ({"as_of": "04-01 00:00"}, "as_of .*2025-04-01.*2025-12-31"),
        ({"grace": 48}, "grace .48 hours and 24 hours"),
        ({"late": 2}, "late .less than 2 hours"),
        ({"on": "booked"}, "on .booked and start"),
        ({"include_internal": True}, "internal meetings .included and left out"),
        ({"status_words": {"dna": "no_show"}}, "status words"),
    ],
)
def test_other_definitions_are_told(clinic: Clinic, scope: dict[str, Any], words: str) -> None:
    two_hosts(clinic)
    differing = clinic.visits(where={"host": "dr"}, **scope)
    with pytest.warns(DefinitionsDiffer, match=words) as told:
        differing.compare(clinic.visits(where={"host": "el"}))
    assert told[0].filename == __file__
    assert len(told) == 1


def test_shared_slots_are_told(clinic: Clinic) -> None:
    two_hosts(clinic)
    with pytest.warns(SharedSlots, match="^4 slots are in both"):
        clinic.visits(where={"host": "dr"}).compare(clinic.visits())
    with pytest.warns(SharedSlots, match="^2 slots"):
        clinic.visits(where={"interaction_type": "in_person"}).compare(
            clinic.visits(end="2025-03-11", where={"host": ["dr", "el"]})
        )
    assert issubclass(SharedSlots, AvonWarning)
    assert issubclass(AvonWarning, UserWarning)
