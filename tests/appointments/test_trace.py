"""Each step of a figure's SQL with its rows, of one appointment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from avon_analytics.appointments.behind.behind import COUNTED
from avon_analytics.appointments.slots.steps import STEPS
from avon_analytics.errors import UnknownAppointment, UnknownGroup, UsageError
from avon_analytics.figures.incidence import CAUSES
from tests.appointments.test_behind import four_visits

if TYPE_CHECKING:
    from avon_analytics.appointments.cohort import Cohort
    from tests.appointments.conftest import Clinic

pytestmark = pytest.mark.any_engine


def temporary(clinic: Clinic) -> set[str]:
    with clinic.database.reading() as connection:
        return {name for (name,) in connection.execute("SHOW TABLES").fetchall()}


def test_the_steps_of_one_appointment(clinic: Clinic) -> None:
    four_visits(clinic)
    visits = clinic.visits(as_of="03-20 12:00")
    figure = visits.cancellations(by="host")
    before = temporary(clinic)
    told = visits.trace("cancellations", "cancelled", by="host")
    assert temporary(clinic) == before
    assert [step.name for step in told.steps] == [*STEPS, "population", "due", "cancellations"]
    n_rows = told.summary.set_index("step").n_rows
    assert (n_rows["slot_keys"], n_rows["slots"], n_rows["lifecycle"]) == (4, 4, 4)
    assert (n_rows["population"], n_rows["due"], n_rows["cancellations"]) == (4, 4, 2)
    for step in told.steps:
        if "appointment_id" in step.rows:
            assert list(step.rows.appointment_id) == ["cancelled"]
    (verdict,) = told["slot_verdicts"].to_dict("records")
    assert verdict["outcome"] == "cancelled"
    (slot,) = told["slots"].to_dict("records")
    assert (slot["outcome"], slot["cancelled_by"]) == ("cancelled", "patient")
    assert list(told["slot_seats"].appointment) == list(told["slot_keys"].appointment)
    by_host = told["cancellations"].set_index("host").n_cancelled
    assert by_host.to_dict() == figure.set_index("host").n_cancelled.to_dict()
    means = told.summary.set_index("step").means
    assert means["slot_seats"].startswith("One row is one slot: one patient attendee at one")
    assert means[[*STEPS]].str.startswith("One row").all()
    assert means["due"] == "A step within cancellations.sql."
    assert visits.cancellations(by="host").equals(figure)


def test_it_shows_itself(clinic: Clinic) -> None:
    four_visits(clinic)
    told = clinic.visits().trace("outcomes")
    assert told.appointment_id == "came"
    lines = repr(told).splitlines()
    assert [line.split()[0] for line in lines] == [step.name for step in told.steps]
    assert max(map(len, lines)) < 130
    html = told._repr_html_()
    assert "Steps to outcomes of came" in html
    assert "lifecycle_facts" in html


@pytest.fixture(scope="module")
def visits(module_clinic: Clinic) -> Cohort:
    four_visits(module_clinic)
    return module_clinic.visits()


@pytest.mark.parametrize("figure", COUNTED)
def test_every_figure_ends_in_itself(visits: Cohort, figure: str) -> None:
    told = visits.trace(figure, first=1000)
    names = [step.name for step in told.steps]
    assert len(set(names)) == len(names)
    assert names[-1] == figure
    of_a_row = len(CAUSES) if figure == "incidence" else 1  # a day is counted once for all causes
    assert told.steps[-1].n_rows * of_a_row == len(getattr(visits, figure)())


def test_without_events_all_steps_are_empty(clinic: Clinic) -> None:
    told = clinic.visits().trace("outcomes")
    assert told.appointment_id is None
    assert told.summary.set_index("step").n_rows["slots"] == 0


def test_what_cannot_be_traced_is_told(clinic: Clinic) -> None:
    four_visits(clinic)
    visits = clinic.visits()
    with pytest.raises(UnknownGroup, match="unknown figure 'signals'"):
        visits.trace("signals")
    with pytest.raises(UnknownAppointment, match="'nobody'"):
        visits.trace("outcomes", "nobody")
    with pytest.raises(UsageError, match=r"unknown option 'day'\. Did you mean 'days'"):
        visits.trace("returns", day=4)
    with pytest.raises(UsageError, match="has no periods"):
        visits.trace("funnel", every="month")
    with pytest.raises(UsageError, match="first: expected a whole number"):
        visits.trace("outcomes", first=0)
    with pytest.raises(UsageError, match=r"unknown step 'slot_seat'\. Did you mean 'slot_seats'"):
        visits.trace("outcomes")["slot_seat"]
