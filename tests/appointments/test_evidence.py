"""What decides an outcome: words, flags, actual times, and who cancelled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.appointments.conftest import Clinic

BOOKED = ("scheduled", "03-01 09:00", "dr")
CANCELLED = ("cancelled", "03-09 15:00", "ann")  # a day before the start


OUTCOMES: list[tuple[list[Any], str]] = [
    ([], "unresolved"),
    ([BOOKED], "unresolved"),
    ([BOOKED, ("confirmed", "03-02 09:00")], "unresolved"),
    ([BOOKED, ("checked_in", "03-10 14:55")], "unresolved"),
    ([BOOKED, ("in_progress", "03-10 15:00")], "attended"),
    ([BOOKED, ("completed", "03-10 15:30")], "attended"),
    ([BOOKED, ("no_show", "03-10 15:20")], "no_show"),
    ([BOOKED, CANCELLED], "cancelled"),
    # The newest of the words decides, wherever it stands in the list.
    ([("completed", "03-10 15:30"), ("no_show", "03-10 15:20")], "attended"),
    ([("in_progress", "03-10 15:00"), ("cancelled", "03-10 15:10")], "cancelled"),
    ([CANCELLED, ("in_progress", "03-10 15:00")], "attended"),
    ([("completed", "03-10 15:30"), ("no_show", "03-10 16:00")], "no_show"),
    # A later word that it will be held undoes a cancellation, and only that.
    ([BOOKED, CANCELLED, ("scheduled", "03-09 16:00")], "unresolved"),
    ([BOOKED, CANCELLED, ("confirmed", "03-09 16:00")], "unresolved"),
    ([BOOKED, CANCELLED, ("rescheduled", "03-09 16:00")], "unresolved"),
    ([BOOKED, CANCELLED, ("checked_in", "03-09 16:00")], "cancelled"),
    ([CANCELLED, ("scheduled", "03-09 16:00"), ("cancelled", "03-09 17:00")], "cancelled"),
    ([("in_progress", "03-10 15:00"), ("scheduled", "03-10 16:00")], "attended"),
    ([("no_show", "03-10 15:20"), ("scheduled", "03-10 16:00")], "no_show"),
    # Of one instant the furthest word is the newest.
    ([("in_progress", "03-10 15:00"), ("completed", "03-10 15:00")], "attended"),
    ([("cancelled", "03-09 15:00"), ("scheduled", "03-09 15:00")], "cancelled"),
    # Spellings
    ([("Canceled", "03-09 15:00")], "cancelled"),
    ([("noShow", "03-10 15:20")], "no_show"),
    ([("NO-SHOW", "03-10 15:20")], "no_show"),
    ([("started", "03-10 15:00")], "attended"),
    ([("inProgress", "03-10 15:00")], "attended"),
    ([("dreaming", "03-10 15:00")], "unresolved"),
]


def test_outcome_by_status_words(clinic: Clinic) -> None:
    for nth, (history, _) in enumerate(OUTCOMES):
        clinic.tell("updated", "03-11 09:00", f"v{nth:02}", history=history)
    slots = clinic.slots().sort_values("appointment_id")
    found = list(zip(slots.outcome, slots.evidence, strict=True))
    for (history, outcome), told in zip(OUTCOMES, found, strict=True):
        evidence = None if outcome == "unresolved" else "status_history"
        assert told == (outcome, evidence), history


def test_source_words_stay_and_further_ones_can_be_given(clinic: Clinic) -> None:
    clinic.tell("updated", "03-11 09:00", history=[("Did not attend", "03-10 15:20")])
    assert clinic.slot()["outcome"] == "unresolved"
    slot = clinic.slot(status_words={"did not attend": "no_show"})
    assert (slot["outcome"], slot["source_word"]) == ("no_show", "Did not attend")


@pytest.mark.parametrize(
    ("event", "outcome"),
    [
        ("started", "attended"),
        ("completed", "attended"),
        ("cancelled", "cancelled"),
        ("no_show", "no_show"),
        ("updated", "unresolved"),
    ],
)
def test_an_events_name_is_a_word(clinic: Clinic, event: str, outcome: str) -> None:
    clinic.tell(event, "03-10 15:30")
    slot = clinic.slot()
    assert slot["outcome"] == outcome
    assert slot["evidence"] == (None if outcome == "unresolved" else "event")


def test_an_events_name_reschedules_nothing_by_itself(clinic: Clinic) -> None:
    clinic.tell("cancelled", "03-08 09:00")
    clinic.tell("rescheduled", "03-09 09:00")
    assert clinic.slot()["outcome"] == "unresolved"


def test_actual_times_are_words(clinic: Clinic) -> None:
    clinic.tell("cancelled", "03-09 09:00")
    clinic.tell("updated", "03-11 09:00", actual_start_time="03-10 15:02")
    slot = clinic.slot()
    assert (slot["outcome"], slot["evidence"]) == ("attended", "actual_time")
    assert slot["started_at"] == clinic.at("03-10 15:02")


def test_an_attendees_actual_times_are_words_for_them_alone(clinic: Clinic) -> None:
    came = {"attendee": "ann", "actual_start_time": "03-10 15:02", "actual_end_time": "03-10 15:20"}
    clinic.tell("updated", "03-11 09:00", attendees=[came, "bob"])
    rows = clinic.slots()
    assert list(rows.outcome) == ["attended", "unresolved"]
    assert clinic.life()["actual_minutes"] == 18


def test_a_standing_flag_beats_the_status(clinic: Clinic) -> None:
    missed = {"attendee": "ann", "no_show": True}
    clinic.tell(
        "completed", "03-10 15:30", attendees=[missed, {"attendee": "bob", "no_show": False}]
    )
    rows = clinic.slots()
    assert list(rows.outcome) == ["no_show", "attended"]
    assert list(rows.evidence) == ["attendee", "event"]


@pytest.mark.parametrize(("last", "outcome"), [(False, "attended"), (None, "no_show")])
def test_the_last_version_that_tells_the_flag_counts(
    clinic: Clinic, last: bool | None, outcome: str
) -> None:
    clinic.tell("completed", "03-10 15:30", attendees=[{"attendee": "ann", "no_show": True}])
    clinic.tell("updated", "03-10 17:00", attendees=[{"attendee": "ann", "no_show": last}])
    assert clinic.slot()["outcome"] == outcome


def test_a_flag_at_one_start_says_nothing_about_the_next(clinic: Clinic) -> None:
    clinic.tell("updated", "03-10 16:00", attendees=[{"attendee": "ann", "no_show": True}])
    clinic.tell("rescheduled", "03-10 17:00", start="03-12 15:00", attendees=["ann"])
    assert list(clinic.slots().outcome) == ["no_show", "unresolved"]


# Words and moves


def test_a_slot_that_was_left_is_judged_by_what_was_known_before_the_move(clinic: Clinic) -> None:
    clinic.tell("created", "03-01 09:00")
    late_news = [CANCELLED, ("rescheduled", "03-09 16:00", "dr")]
    clinic.tell("rescheduled", "03-09 16:00", start="03-12 15:00", history=late_news)
    clinic.tell("completed", "03-12 15:30", start="03-12 15:00", history=late_news)
    assert list(clinic.slots().outcome) == ["rescheduled", "attended"]


def test_a_later_start_undoes_a_cancellation(clinic: Clinic) -> None:
    clinic.tell("cancelled", "03-09 15:01", history=[CANCELLED])
    clinic.tell("updated", "03-09 17:00", start="03-12 15:00", history=[CANCELLED])
    first, second = clinic.slots().to_dict("records")
    assert (first["outcome"], first["cancelled_by"], first["notice_hours"]) == (
        "cancelled",
        "patient",
        24,
    )
    assert second["outcome"] == "unresolved"
    assert first["is_superseded"]


@pytest.mark.parametrize("named_at", ["03-09 15:00", "03-09 15:01"])
def test_a_history_that_repeats_a_cancellation_is_no_news_of_the_later_start(
    clinic: Clinic, named_at: str
) -> None:
    """The event said so by its name alone; the history comes with the move, an hour later."""
    clinic.tell("created", "03-01 09:00")
    clinic.tell("cancelled", named_at)
    clinic.tell("updated", "03-09 17:00", start="03-12 15:00", history=[CANCELLED])
    assert list(clinic.slots().outcome) == ["cancelled", "unresolved"]


def test_who_cancelled_is_not_learnt_after_the_move(clinic: Clinic) -> None:
    """Of a slot that was left only what was known before the move counts, names among it."""
    clinic.tell("created", "03-01 09:00", "a")
    clinic.tell("cancelled", "03-09 15:00", "a")  # nobody is named
    clinic.tell("created", "03-01 09:00", "b")
    clinic.tell("updated", "03-09 15:00", "b", history=[("cancelled", "03-09 15:00")])
    for visit, told_at in (("a", "03-09 14:00"), ("b", "03-09 15:00")):
        history = [("cancelled", told_at, "ann", "ill")]
        clinic.tell("updated", "03-09 17:00", visit, start="03-12 15:00", history=history)
    slots = clinic.slots()
    first = slots[slots.slot == 1]
    before = clinic.slots(as_of="03-09 16:00")
    columns = ["outcome", "cancelled_at", "cancelled_by", "reason", "notice_hours"]
    assert list(first.outcome) == ["cancelled", "cancelled"]
    assert list(first.cancelled_by) == ["unknown", "unknown"]
    assert first[columns].to_dict("records") == before[columns].to_dict("records")
    assert list(slots[slots.slot == 2].outcome) == ["unresolved", "unresolved"]


def test_a_second_cancellation_is_of_the_later_start(clinic: Clinic) -> None:
    """Called off, called on, moved and called off again: the last one no event's name had said."""
    clinic.tell("created", "03-01 09:00")
    clinic.tell("cancelled", "03-05 09:00")
    history = [("cancelled", "03-05 09:00", "ann"), ("scheduled", "03-06 09:00", "dr"), CANCELLED]
    clinic.tell("updated", "03-09 17:00", start="03-12 15:00", history=history)
    assert [slot["outcome"] for slot in clinic.slots().to_dict("records")][-1] == "cancelled"


def test_a_no_show_that_is_moved_is_held_again(clinic: Clinic) -> None:
    history = [("no_show", "03-10 15:20")]
    clinic.tell("updated", "03-10 15:30", history=history)
    clinic.tell("rescheduled", "03-10 16:00", start="03-12 15:00", history=history)
    assert list(clinic.slots().outcome) == ["no_show", "unresolved"]


def test_a_visit_that_was_held_stays_held_when_its_start_is_corrected(clinic: Clinic) -> None:
    clinic.tell("completed", "03-10 15:30")
    clinic.tell("updated", "03-10 16:00", start="03-10 14:45")
    assert sorted(clinic.slots().outcome) == ["attended", "attended"]


def test_a_cancellation_that_first_shows_with_the_new_start_is_of_the_new_start(
    clinic: Clinic,
) -> None:
    clinic.tell("created", "03-01 09:00")
    history = [("rescheduled", "03-02 09:00", "dr"), ("cancelled", "03-09 15:00", "ann")]
    clinic.tell("cancelled", "03-09 15:01", start="03-12 15:00", history=history)
    first, second = clinic.slots().to_dict("records")
    assert first["outcome"] == "rescheduled"
    assert (second["outcome"], second["cancelled_by"], second["notice_hours"]) == (
        "cancelled",
        "patient",
        72,
    )


# When and by whom it was cancelled


def test_the_first_word_of_the_last_unbroken_run_is_the_cancellation(clinic: Clinic) -> None:
    history = [
        BOOKED,
        ("cancelled", "03-05 15:00", "ann"),
        ("scheduled", "03-06 15:00", "dr"),
        ("cancelled", "03-08 15:00", "dr", "doctor ill"),
        ("canceled", "03-09 15:00", "ann", "no longer needed"),
    ]
    clinic.tell("cancelled", "03-09 15:01", history=history)
    slot = clinic.slot()
    assert slot["cancelled_at"] == clinic.at("03-08 15:00")
    assert (slot["cancelled_by"], slot["cancelled_by_id"]) == ("provider", "dr")
    assert (slot["reason"], slot["notice_hours"]) == ("doctor ill", 48)


def test_any_other_word_breaks_the_run(clinic: Clinic) -> None:
    history = [CANCELLED, ("checked_in", "03-10 14:50", "dr"), ("cancelled", "03-10 14:55", "dr")]
    clinic.tell("updated", "03-10 16:00", history=history)
    assert clinic.slot()["cancelled_at"] == clinic.at("03-10 14:55")


def test_a_change_and_the_webhook_of_one_instant_tell_by_whom(clinic: Clinic) -> None:
    clinic.tell("cancelled", "03-09 15:00", history=[CANCELLED])
    slot = clinic.slot()
    assert (slot["cancelled_by"], slot["evidence"]) == ("patient", "event")


def test_a_webhook_without_history_does_not_tell_by_whom(clinic: Clinic) -> None:
    clinic.tell("cancelled", "03-09 15:00")
    assert clinic.slot()["cancelled_by"] == "unknown"


def test_a_change_without_an_instant_counts_from_when_it_was_told(clinic: Clinic) -> None:
    for when in ("03-08 15:00", "03-09 15:00"):
        clinic.tell("updated", when, history=[("cancelled", None, "ann")])
    assert clinic.slot()["notice_hours"] == 48


WHO = {
    "ann": "patient",
    "bob": "patient",
    "dad": "patient",
    "mum": "patient",
    "gran": "patient",
    "dr": "provider",
    "locum": "provider",
    "sam": "provider",
    "nurse": "provider",
    "stranger": "unknown",
    None: "unknown",
}


def test_who_cancelled(clinic: Clinic) -> None:
    clinic.person("ann", caregiver="dad")
    clinic.person("bob", one_caregiver="mum")
    clinic.person("gran", caregiver_only=True, dependent="ann")
    clinic.staff("sam", "supports")
    clinic.staff("nurse", "care_team_members")
    both = ["dr", "ann", "bob"]
    for by in WHO:
        clinic.tell("created", "03-01 09:00", f"by {by}", attendees=both, host="locum")
        history = [("cancelled", "03-09 15:00", by)]
        clinic.tell("cancelled", "03-09 15:01", f"by {by}", attendees=both, history=history)
    slots = clinic.slots()
    found = slots.groupby("appointment_id").cancelled_by.agg(list).to_dict()
    assert found == {f"by {by}": [who, who] for by, who in WHO.items()}


@pytest.mark.parametrize(
    ("when", "notice", "late"),
    [("03-09 15:00", 24.0, False), ("03-09 15:01", 24 - 1 / 60, True), ("03-10 16:00", -1.0, True)],
)
def test_late_is_less_than_a_day_also_after_the_start(
    clinic: Clinic, when: str, notice: float, late: bool
) -> None:
    clinic.tell("cancelled", when)
    slot = clinic.slot()
    assert slot["notice_hours"] == pytest.approx(notice)
    assert slot["is_late"] is late
    assert clinic.slot(late=0)["is_late"] is (notice < 0)
