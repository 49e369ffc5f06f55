"""What groups are called: hosts by the records of staff, all else by labels of the user's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from avon_analytics.appointments.rows.engine import StoreEngine
from avon_analytics.errors import InputError, UsageError
from avon_analytics.figures.names import endings, unique_names
from avon_analytics.labels import Labels
from tests.frames import column_names

if TYPE_CHECKING:
    from tests.appointments.conftest import Clinic


def named(frame: pd.DataFrame, group: str) -> list[tuple[Any, Any]]:
    pairs = frame[[group, f"{group}_name"]].astype(object)
    return list(pairs.where(pairs.notna(), None).itertuples(index=False, name=None))


def hosted(clinic: Clinic, *hosts: str | None) -> None:
    for nth, host in enumerate(hosts):
        visit = f"v{nth}"
        clinic.tell("created", "03-01 10:00", visit, host=host, attendees=["ann"])


def test_a_host_is_called_as_the_newest_record_known_at_t_says(clinic: Clinic) -> None:
    hosted(clinic, "user_1", "user_2", "user_3", None)
    clinic.staff("user_1", first_name="Ada", last_name="Testwell", when="01-01 00:00")
    clinic.staff("user_1", first_name="Ada", last_name="Sample", when="06-01 00:00")
    clinic.staff("user_1", when="07-01 00:00")  # a record without a name takes none away
    clinic.staff("user_2", "supports", first_name=" Bo ", last_name=None)

    then = clinic.visits(as_of="05-01 00:00").outcomes(by="host")
    now = clinic.visits().outcomes(by="host")

    rest = [("user_2", "Bo"), ("user_3", None), (None, None)]
    assert named(then, "host") == [("user_1", "Ada Testwell"), *rest]
    assert named(now, "host") == [("user_1", "Ada Sample"), *rest]
    assert now["host_name"].dtype == "str"


def test_names_are_read_once_for_all_figures_until_more_is_told(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    frame = StoreEngine.frame

    def noted(engine: StoreEngine, query: str, *more: Any) -> pd.DataFrame:
        if "first_name" in query or "first_us" in query:
            asked.append(query)
        return frame(engine, query, *more)

    monkeypatch.setattr(StoreEngine, "frame", noted)
    hosted(clinic, "user_1")
    clinic.staff("user_1", first_name="Ada", last_name="Testwell")
    visits = clinic.visits(as_of="05-01 00:00")
    assert named(visits.outcomes(by="host", every="month"), "host") == [("user_1", "Ada Testwell")]
    n_asked = len(asked)
    assert n_asked == 2  # what hosts are called, and on which day the archive begins
    assert set(named(visits.funnel(by="host"), "host")) == {("user_1", "Ada Testwell")}
    assert visits.outcomes(every="week").is_whole.tolist() == [True]
    assert len(asked) == n_asked
    clinic.staff("user_1", first_name="Ada", last_name="Sample", when="03-01 00:00")
    again = clinic.visits(as_of="05-01 00:00").outcomes(by="host")
    assert named(again, "host") == [("user_1", "Ada Sample")]


def test_a_name_is_that_of_one_record_and_never_of_two(clinic: Clinic) -> None:
    hosted(clinic, "user_1")
    clinic.staff("user_1", first_name="Ada", last_name="Testwell", when="01-01 00:00")
    clinic.staff("user_1", first_name="Bea", last_name=None, when="02-01 00:00")
    assert named(clinic.visits().outcomes(by="host"), "host") == [("user_1", "Bea")]


def test_two_of_one_name_keep_the_shortest_ending_that_differs(clinic: Clinic) -> None:
    hosted(clinic, "user_11aaaa", "user_12aaaa", "user_3bbbb")
    for one in ("user_11aaaa", "user_12aaaa"):
        clinic.staff(one, first_name="Ada", last_name="Testwell")
    clinic.staff("user_3bbbb", first_name="Bo", last_name="Testwell")
    assert named(clinic.visits().outcomes(by="host"), "host") == [
        ("user_11aaaa", "Ada Testwell (…1aaaa)"),
        ("user_12aaaa", "Ada Testwell (…2aaaa)"),
        ("user_3bbbb", "Bo Testwell"),
    ]


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        ([], []),
        (["user_abcdefgh"], ["efgh"]),
        (["user_abcdefgh", "user_abcdefgi"], ["efgh", "efgi"]),
        (["user_1xaaaa", "user_2xaaaa"], ["1xaaaa", "2xaaaa"]),
        (["ab", "b"], ["ab", "b"]),
        (["xabcd", "abcd"], ["xabcd", "abcd"]),
    ],
)
def test_endings_tell_ids_apart(ids: list[str], expected: list[str]) -> None:
    assert list(endings(ids).values()) == expected


def test_names_that_differ_in_case_alone_are_alike_to_a_reader() -> None:
    told = unique_names({"user_1234": "Ada Testwell", "user_5678": "ada testwell"})
    assert told == {"user_1234": "Ada Testwell (…1234)", "user_5678": "ada testwell (…5678)"}


LABELS = {
    "appointment_type": {"aptp_1": "Follow-up", "aptp_9": "never seen"},
    "medical_center": {"mctr_1": " North "},
    "custom": {"cfld_1": "Insurance"},
    "custom:cfld_1": {"hmo": "Health maintenance"},
}


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ("appointment_type", [("aptp_1", "Follow-up"), ("aptp_2", None)]),
        ("medical_center", [("mctr_1", "North"), (None, None)]),
        ("custom:cfld_1", [("hmo", "Health maintenance"), ("ppo", None)]),
    ],
)
def test_labels_stand_beside_ids(clinic: Clinic, group: str, expected: Any) -> None:
    clinic.person("ann", center="mctr_1")
    for visit, kind, patient, value in (
        ("v1", "aptp_1", "ann", '"hmo"'),
        ("v2", "aptp_2", "bob", '"ppo"'),
    ):
        clinic.tell(
            "created",
            "03-01 10:00",
            visit,
            appointment_type=kind,
            attendees=[patient],
            custom={"cfld_1": value},
        )
    unlabelled = clinic.visits()
    cohort = replace(unlabelled, _labels=Labels.read(LABELS))
    assert cohort == unlabelled  # what is counted is the same

    for figure in (cohort.outcomes(group), cohort.outcomes(group, "year")):
        assert named(figure, group) == expected
    assert set(dict(named(unlabelled.outcomes(group), group)).values()) == {None}
    headings = {"custom:cfld_1": "Insurance"} if group == "custom:cfld_1" else None
    assert cohort.outcomes(group).attrs.get("headings") == headings
    compared = cohort.compare(clinic.visits(end="2025-01-01"), by=group)
    assert dict(named(compared, group)) == dict(expected)


def test_other_groupings_have_no_names(clinic: Clinic) -> None:
    hosted(clinic, "dr")
    figure = clinic.visits().outcomes(by=["weekday", "name", "interaction_type"])
    assert [one for one in column_names(figure) if one.endswith("_name")] == []


def test_two_fields_that_need_one_column_are_refused(clinic: Clinic) -> None:
    clinic.tell("created", "03-01 10:00", custom={"a": "1", "a_name": "2"})
    with pytest.raises(UsageError, match="would share a column"):
        clinic.visits().outcomes(by=["custom:a_name", "custom:a"])


def test_labels_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "labels.toml"
    file.write_text(
        '\ufeff[custom]\ncfld_1 = "Insurance"\n["custom:cfld_1"]\nhmo = "HMO"\n', "utf-8"
    )
    told = Labels.read(file)
    assert told == Labels.read(str(file)) == Labels.read(told)
    assert told == Labels({"custom:cfld_1": {"hmo": "HMO"}}, {"cfld_1": "Insurance"})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '[apointment_type]\na = "b"',
            r"\[apointment_type\].* mean 'appointment_type'\? Choices: appointm",
        ),
        ('[host]\nuser_1 = "Dr. X"', r"labels.toml, \[host\]: hosts are called as the records"),
        ("# none yet", "the labels file .*labels.toml holds no label$"),
        ("[custom]", r"labels.toml, \[custom\]: this table is empty: give it lines"),
        ('appointment_type = "x"', r"labels.toml, \[appointment_type\]: expected a table"),
        ("[medical_center]\nmctr_1 = 3", r"labels.toml, \[medical_center\], mctr_1: expected a te"),
        ('[custom]\ncfld_1 = " "', r"labels.toml, \[custom\], cfld_1: expected a text that is not"),
        ("[custom", r"labels.toml is not TOML: Expected"),
        ("[custom]\na = " + "7" * 5_000, "labels.toml is not TOML that can be read: a number in"),
        ("[custom]\na = " + "[" * 5_000, "labels.toml is not TOML that can be read: a number in"),
    ],
)
def test_what_is_wrong_with_labels_is_said_with_its_place(
    tmp_path: Path, text: str, said: str
) -> None:
    file = tmp_path / "labels.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(InputError, match=said):
        Labels.read(file)


def test_a_labels_file_that_is_not_there_is_named_with_what_was_meant(tmp_path: Path) -> None:
    (tmp_path / "labels.toml").write_text("")
    with pytest.raises(InputError, match=r"no labels file .* Did you mean .*labels.toml"):
        Labels.read(tmp_path / "label.toml")
    with pytest.raises(UsageError, match="labels"):
        Labels.read(3)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"labels, \[room\]"):
        Labels.read({"room": {}})
