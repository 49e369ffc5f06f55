"""replies and returns: who was answered and who came again, typed out by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

from avon_analytics.errors import UnknownGroup

if TYPE_CHECKING:
    from tests.appointments.conftest import Clinic


def a_week(clinic: Clinic) -> None:
    for person in ("ann", "bob"):
        clinic.person(person)
    clinic.staff("dr")
    clinic.tell("created", "03-01 09:00", "v", start="03-03 15:00")
    clinic.tell("completed", "03-03 15:30", "v", start="03-03 15:00")
    clinic.write("m1", "t1", "ann", "03-10 09:00")  # a question, answered after two hours
    clinic.write("m2", "t1", "ann", "03-10 09:30")  # belongs to it
    clinic.write("m3", "t1", "dr", "03-10 10:00", type="internalNote")
    clinic.write("m4", "t1", "dr", "03-10 11:00")
    clinic.write("m5", "t1", "ann", "03-10 12:00")  # a second one, answered after 30 hours
    clinic.write("m6", "t1", "dr", "03-11 18:00")
    clinic.write("m7", "t2", "bob", "03-12 10:00")  # never answered
    clinic.write("m8", "t3", "dr", "03-12 11:00")  # staff begins: no question


def test_three_questions(clinic: Clinic) -> None:
    a_week(clinic)
    (row,) = clinic.visits(as_of="03-20 10:00").replies().to_dict("records")
    assert (row["n_questions"], row["n_answered"], row["n_waiting"]) == (3, 2, 1)
    assert (row["n_in_time"], row["in_time_share_n"]) == (1, 3)
    # After two hours a third is answered, after thirty two thirds: the median is thirty.
    assert row["median_hours_to_reply"] == 30.0
    assert pd.isna(row["p90_hours_to_reply"])
    assert not row["is_whole"] or row["is_mature"]


def test_an_unanswered_question_is_censored_at_t(clinic: Clinic) -> None:
    a_week(clinic)
    # At 13:00 of the 10th the second question has waited for an hour: too short to tell.
    (row,) = clinic.visits(as_of="03-10 13:00").replies(hours=1).to_dict("records")
    assert (row["n_questions"], row["n_answered"], row["n_waiting"]) == (2, 1, 1)
    assert row["median_hours_to_reply"] == 2.0


def test_groups_are_those_of_the_last_visit_and_of_the_arrival(clinic: Clinic) -> None:
    a_week(clinic)
    visits = clinic.visits(as_of="03-20 10:00")
    by_host = visits.replies(by="host").set_index("host", drop=False)
    assert by_host.n_questions.tolist() == [2, 1]  # bob has no visit
    assert by_host.host.isna().tolist() == [False, True]
    assert visits.replies(by="hour").n_questions.tolist() == [1, 1, 1]
    assert visits.replies(every="day").n_questions.tolist() == [2, 1]
    with pytest.raises(UnknownGroup):
        visits.replies(by="lead_band")
    with pytest.raises(UnknownGroup, match="where: replies cannot be chosen by recurring"):
        clinic.visits(where={"recurring": None}).replies(by="hour")
    assert clinic.visits(where={"host": None}, as_of="03-20 10:00").replies().n_questions[0] == 1


def test_who_came_again(clinic: Clinic) -> None:
    def visit(name: str, patient: str, booked: str, start: str, *, came: bool = True) -> None:
        people = ["dr", patient]
        clinic.tell("created", booked, name, start=start, attendees=people)
        if came:
            clinic.tell("completed", f"{start[:5]} 23:00", name, start=start, attendees=people)

    visit("a1", "ann", "02-01 09:00", "03-01 10:00")  # ann comes back after ten days
    visit("a2", "ann", "03-05 09:00", "03-11 10:00")  # … and books nothing then
    visit("b1", "bob", "02-01 09:00", "03-01 10:00")  # bob held the next visit already
    visit("b2", "bob", "02-02 09:00", "06-01 10:00", came=False)
    visit("c1", "cid", "02-01 09:00", "03-01 10:00")  # cid books after the 30 days
    visit("c2", "cid", "04-15 09:00", "04-20 10:00", came=False)
    visit("d1", "dan", "03-02 09:00", "03-01 10:00")  # recorded the day after: no booking ahead
    visit("e1", "eve", "04-01 09:00", "04-05 10:00")  # 20 days before T: not followed
    (row,) = clinic.visits(as_of="04-25 10:00").returns(days=30).to_dict("records")
    assert (row["n_attended"], row["n_followed"]) == (6, 5)
    assert row["n_already_held"] == 1  # bob
    assert row["n_followed_up"] == 2  # ann's first, bob
    assert row["n_returned"] == 1  # ann's first
    assert row["median_days_to_return"] == 10.0
    assert (row["n_patients"], row["n_without_booking"]) == (5, 4)  # bob alone has something


def test_a_visit_that_was_moved_back_to_when_it_was_held_is_no_other_visit(clinic: Clinic) -> None:
    def visit(name: str, patient: str, planned: str, held: str) -> None:
        """Held earlier than planned, and moved there afterwards."""
        people = ["dr", patient]
        clinic.tell("created", "03-01 09:00", name, start=planned, attendees=people)
        clinic.tell("updated", f"{held[:5]} 20:00", name, start=held, attendees=people)
        clinic.tell("completed", f"{held[:5]} 20:30", name, start=held, attendees=people)

    visit("a1", "ann", "03-10 15:00", "03-09 10:00")  # ann has this visit alone
    visit("b1", "bob", "03-10 15:00", "03-09 10:00")  # bob holds another one
    clinic.tell("created", "03-02 09:00", "b2", start="06-01 10:00", attendees=["dr", "bob"])
    visit("c1", "cid", "03-10 15:00", "03-09 10:00")  # cid books another one two days later
    clinic.tell("created", "03-11 09:00", "c2", start="06-01 10:00", attendees=["dr", "cid"])
    visit("d1", "dan", "03-01 12:00", "03-01 08:00")  # dan came in before he was booked
    visits = clinic.visits(as_of="05-01 10:00")
    seen = visits.returns(days=30)
    (row,) = seen.to_dict("records")
    assert (row["n_attended"], row["n_followed"]) == (4, 4)
    assert row["n_already_held"] == 1  # bob
    assert row["n_followed_up"] == 2  # bob, cid
    assert row["n_returned"] == 0
    assert set(visits.behind(seen, 0, "n_followed_up").patient_id) == {"bob", "cid"}


def test_who_joins_a_group_that_had_been_moved_has_booked_it_when_it_was_booked(
    clinic: Clinic,
) -> None:
    clinic.tell("created", "02-01 09:00", "a1", start="03-01 10:00")
    clinic.tell("completed", "03-01 23:00", "a1", start="03-01 10:00")
    # The group is booked after ann's visit, and moved; only then ann is in it.
    clinic.tell("created", "03-05 09:00", "g", start="06-01 10:00", attendees=["dr", "bob"])
    both = ["dr", "bob", "ann"]
    clinic.tell("updated", "03-06 09:00", "g", start="06-02 10:00", attendees=both)
    # Booked for a wrong day in the past, and put right at once.
    clinic.tell("created", "02-01 09:00", "c1", start="03-01 10:00", attendees=["dr", "cid"])
    clinic.tell("completed", "03-01 23:00", "c1", start="03-01 10:00", attendees=["dr", "cid"])
    clinic.tell("created", "03-05 09:00", "c2", start="02-05 10:00", attendees=["dr", "cid"])
    clinic.tell("updated", "03-05 09:05", "c2", start="06-05 10:00", attendees=["dr", "cid"])
    (row,) = clinic.visits(as_of="04-25 10:00").returns(days=30).to_dict("records")
    assert (row["n_followed"], row["n_already_held"], row["n_followed_up"]) == (2, 0, 2)
