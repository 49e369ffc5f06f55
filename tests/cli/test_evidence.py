"""The commands slots, explain and quality, and results as Excel."""

from __future__ import annotations

from typing import Any

import openpyxl
import pandas as pd
import pytest

import avon_analytics as avon


@pytest.fixture
def an_id(tiny: Any) -> str:
    """An appointment that was moved."""
    slots = avon.open(tiny.db).appointments().slots()
    return str(slots.appointment_id[slots.is_superseded].iloc[0])


def test_explain_tells_each_event_with_its_place(run: Any, tiny: Any, an_id: str) -> None:
    told = run("explain", an_id.removeprefix("appt_"), "--db", tiny.db, COLUMNS="100")
    assert told.code == 0
    events = avon.open(tiny.db).sql(
        "SELECT event, file, line FROM events WHERE object_id = $id", id=an_id
    )
    assert len(events) >= 2
    for row in events.itertuples():
        assert row.event in told.out
        assert f"{str(row.file).rsplit('/', 1)[-1]}, line {row.line}, byte" in told.out
    assert "outcome  slot 2" in told.out
    assert told.err.startswith("as of 20")


def test_explain_has_all_columns_in_other_formats(run: Any, tiny: Any, an_id: str) -> None:
    told = run("explain", an_id, "--db", tiny.db, "--format", "json").json()
    expected = avon.open(tiny.db).explain(an_id)
    assert [row["what"] for row in told] == list(expected.what)
    assert list(told[0]) == list(expected.columns)


def test_an_unknown_appointment_is_told_in_a_sentence(run: Any, tiny: Any) -> None:
    told = run("explain", "appt_0", "--db", tiny.db)
    assert (told.code, told.out) == (2, "")
    assert told.is_told_in_a_sentence
    assert "'appt_0'" in told.err


def test_slots_are_the_rows_behind_the_figures(run: Any, tiny: Any) -> None:
    visits = avon.open(tiny.db).appointments()
    narrowed = (
        "--where",
        "outcome=no_show",
        "--where",
        "outcome=cancelled",
        "--where",
        "group=false",
    )
    rows = run("slots", "--db", tiny.db, *narrowed, "--format", "json").json()
    every = visits.slots()
    chosen = every[every.outcome.isin(["no_show", "cancelled"]) & ~every.group.fillna(True)]
    assert 0 < len(rows) == len(chosen) < len(every)
    assert [row["appointment_id"] for row in rows] == list(chosen.appointment_id)
    assert list(rows[0]) == list(every.columns)
    counted = run("outcomes", "--db", tiny.db, "--where", "group=false", "--format", "json").json()
    ended = counted[0]["n_no_show"] + counted[0]["n_cancelled"]
    assert len([row for row in rows if row["is_due"]]) == ended


def test_slots_for_the_eye_begin_with_what_became_of_them(run: Any, tiny: Any) -> None:
    shown = run("slots", "--db", tiny.db, "--period", "last-month", COLUMNS="200")
    assert shown.code == 0
    assert shown.out.splitlines()[1].split()[:3] == ["Start", "at", "Outcome"]
    assert shown.err.startswith("as of 20")


@pytest.mark.parametrize("condition", ["outcome=missed", "reason=nowhere", "outcomes=no_show"])
def test_slots_that_cannot_be_are_told_in_a_sentence(run: Any, tiny: Any, condition: str) -> None:
    told = run("slots", "--db", tiny.db, "--where", condition)
    assert (told.code, told.out) == (2, "")
    assert told.is_told_in_a_sentence
    assert "nowhere" not in told.err.replace("occurs nowhere", "")


def test_quality_says_what_each_finding_means(run: Any, tiny: Any) -> None:
    told = run("quality", "--db", tiny.db)
    assert (told.code, told.out) == (0, f"{avon.open(tiny.db).quality()}\n")
    as_json = run("quality", "--db", tiny.db, "--format", "json").json()
    assert [set(row) for row in as_json] == [{"check", "finding", "meaning"}] * len(as_json)
    days = run("quality", "--db", tiny.db, "--section", "coverage", "--format", "json").json()
    expected = avon.open(tiny.db).quality().coverage
    assert [row["n_events"] for row in days] == list(expected.n_events)


def test_a_figure_as_excel(run: Any, tiny: Any) -> None:
    ask = ("outcomes", "--by", "weekday", "--db", tiny.db, "--format", "xlsx")
    refused = run(*ask)
    assert (refused.code, refused.is_told_in_a_sentence) == (2, True)
    assert "--out" in refused.err
    for name in ("one.xlsx", "two.xlsx"):
        assert run(*ask, "--out", name).code == 0
    one, two = (run.folder / name for name in ("one.xlsx", "two.xlsx"))
    assert one.read_bytes() == two.read_bytes()
    expected = avon.open(tiny.db).appointments().outcomes("weekday")
    read = pd.read_excel(one, sheet_name="Outcomes")
    assert list(read.columns) == list(expected.columns)
    assert list(read.n_slots) == list(expected.n_slots)
    assert openpyxl.load_workbook(one).sheetnames == ["Outcomes", "Definitions"]


def test_csv_of_a_query_is_as_it_stands_and_of_a_figure_harmless(run: Any, tiny: Any) -> None:
    query = "SELECT '=1+1' AS a, '-x' AS b, -1 AS c"
    told = run("sql", query, "--db", tiny.db, "--format", "csv")
    assert told.out == "a,b,c\n=1+1,-x,-1\n"
