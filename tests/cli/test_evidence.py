"""The commands slots, explain and quality, and results as Excel."""

from __future__ import annotations

from typing import Any

import openpyxl
import pandas as pd
import pytest

import avon_analytics as avon


@pytest.fixture
def an_id(store: avon.Store) -> str:
    """An appointment that was moved."""
    slots = store.appointments().slots()
    return str(slots.appointment_id[slots.is_superseded].iloc[0])


def test_explain_tells_each_event_with_its_place(
    run: Any, tiny: Any, store: avon.Store, an_id: str
) -> None:
    told = run("explain", an_id.removeprefix("appt_"), "--db", tiny.db, COLUMNS="100")
    assert told.code == 0
    events = store.sql("SELECT event, file, line FROM events WHERE object_id = $id", id=an_id)
    assert len(events) >= 2
    for row in events.itertuples():
        assert row.event in told.out
        assert f"{str(row.file).rsplit('/', 1)[-1]}, line {row.line}, byte" in told.out
    assert "outcome  slot 2" in told.out
    assert told.err == "as of 14 Nov 2025, 21:59 UTC\n"


def test_explain_keeps_to_the_width_of_the_terminal(run: Any, tiny: Any, an_id: str) -> None:
    wide, *narrow = (
        run("explain", an_id, "--db", tiny.db, COLUMNS=str(width)).out for width in (300, 80, 60)
    )
    assert max(map(len, wide.splitlines())) > 80
    for told, width in zip(narrow, (80, 60), strict=True):
        assert max(map(len, told.splitlines())) <= width
        assert told.split() == wide.split()


def test_explain_has_all_columns_in_other_formats(
    run: Any, tiny: Any, store: avon.Store, an_id: str
) -> None:
    told = run("explain", an_id, "--db", tiny.db, "--format", "json").json()
    expected = store.explain(an_id)
    assert [row["what"] for row in told] == list(expected.what)
    assert list(told[0]) == list(expected.columns)


def test_an_unknown_appointment_is_told_in_a_sentence(run: Any, tiny: Any) -> None:
    told = run("explain", "appt_0", "--db", tiny.db)
    assert (told.code, told.out) == (2, "")
    assert told.is_told_in_a_sentence
    assert "'appt_0'" in told.err


def test_slots_are_the_rows_behind_the_figures(run: Any, tiny: Any, store: avon.Store) -> None:
    visits = store.appointments()
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
    head, first = shown.out.splitlines()[1:3]
    assert head.split()[:2] == ["Start", "Outcome"]
    with avon.open(tiny.db) as store:
        visits = store.appointments(period="last-month")
        slot = visits.slots().iloc[0]
        names = visits.outcomes(by="host").set_index("host")["host_name"].dropna()
    at = slot.start_at.tz_convert(slot.time_zone)
    assert first.startswith(f"{at:%Y-%m-%d %H:%M %Z}  {slot.outcome.replace('_', '-')}")
    assert names.get(slot.host, slot.host[:5]) in first
    narrow = run("slots", "--db", tiny.db, "--period", "last-month", COLUMNS="80").out
    assert slot.appointment_id in narrow  # whole, to be copied
    assert narrow.splitlines()[-2:] == [
        "Not shown for lack of width: Evidence; Host; Patient id; Slot",
        f"{len(slot) - 7} more columns with --format csv or json",
    ]
    assert "lack of width" not in shown.out
    assert shown.err == "as of 14 Nov 2025, 21:59 UTC\n"


@pytest.mark.parametrize("condition", ["outcome=missed", "reason=nowhere", "outcomes=no_show"])
def test_slots_that_cannot_be_are_told_in_a_sentence(run: Any, tiny: Any, condition: str) -> None:
    told = run("slots", "--db", tiny.db, "--where", condition)
    assert (told.code, told.out) == (2, "")
    assert told.is_told_in_a_sentence
    assert "nowhere" not in told.err.replace("occurs nowhere", "")


def test_quality_says_what_each_finding_means(run: Any, tiny: Any, store: avon.Store) -> None:
    told = run("quality", "--db", tiny.db)
    assert (told.code, told.out.split()) == (0, str(store.quality()).split())
    assert max(map(len, told.out.splitlines())) <= 80  # broken between words
    as_json = run("quality", "--db", tiny.db, "--format", "json").json()
    assert [set(row) for row in as_json] == [{"check", "finding", "meaning"}] * len(as_json)
    days = run("quality", "--db", tiny.db, "--section", "coverage", "--format", "json").json()
    expected = store.quality().coverage
    assert [row["n_events"] for row in days] == list(expected.n_events)


def test_a_figure_as_excel(run: Any, tiny: Any, store: avon.Store) -> None:
    ask = ("outcomes", "--by", "weekday", "--db", tiny.db, "--format", "xlsx")
    refused = run(*ask)
    assert (refused.code, refused.is_told_in_a_sentence) == (2, True)
    assert "--out" in refused.err
    for name in ("one.xlsx", "two.xlsx"):
        assert run(*ask, "--out", name).code == 0
    one, two = (run.folder / name for name in ("one.xlsx", "two.xlsx"))
    assert one.read_bytes() == two.read_bytes()
    expected = store.appointments().outcomes("weekday")
    read = pd.read_excel(one, sheet_name="Outcomes", header=3)
    assert list(read.columns[:4]) == [
        *("Weekday", "No-show share", "No-show share: of", "No-show share: lower end")
    ]
    assert list(read["Slots"]) == [*expected.n_slots, expected.n_slots.sum()]
    assert openpyxl.load_workbook(one).sheetnames == ["Outcomes", "Chart", "Definitions"]


def test_csv_of_a_query_is_as_it_stands_and_of_a_figure_harmless(run: Any, tiny: Any) -> None:
    query = "SELECT '=1+1' AS a, '-x' AS b, -1 AS c"
    told = run("sql", query, "--db", tiny.db, "--format", "csv")
    assert told.out == "a,b,c\n=1+1,-x,-1\n"


def test_behind_shows_as_many_rows_as_the_figure_says(run: Any, tiny: Any) -> None:
    ask = ("--by", "host", "--every", "quarter", "--db", tiny.db, "--format", "json")
    figure = run("outcomes", *ask).json()
    cell = max(figure, key=lambda row: row["n_cancelled"])
    row = ("--row", f"host={cell['host']}", "--row", f"period_on={cell['period_on']}")
    rows = run("behind", "outcomes", "n_cancelled", *row, *ask).json()
    assert len(rows) == cell["n_cancelled"] > 0
    assert {one["host"] for one in rows} == {cell["host"]}
    seen = run("returns", "--days", "20", "--db", tiny.db, "--format", "json").json()
    option = ("--option", "days=20")
    rows = run("behind", "returns", "n_returned", *option, *ask[4:]).json()
    assert len(rows) == seen[0]["n_returned"]
    shown = run("behind", "lead-times", "n_followed", "--db", tiny.db, COLUMNS="200")
    assert shown.out.splitlines()[1].split()[:2] == ["Start", "Outcome"]


def test_a_row_is_named_as_the_table_has_it(run: Any, tiny: Any) -> None:
    by = ("--by", "host", "--by", "group", "--every", "quarter", "--db", tiny.db)
    figure = run("outcomes", *by, "--format", "json").json()
    cell = max(figure, key=lambda row: row["n_cancelled"])
    year, month, _ = cell["period_on"].split("-")
    called = {
        "host": cell["host_name"],
        "group": "yes" if cell["group"] else "no",
        "period_on": f"{year}-Q{(int(month) + 2) // 3}",
    }
    table = run("outcomes", *by, COLUMNS="200").out
    assert any(all(word in line for word in called.values()) for line in table.splitlines())
    row = [word for pair in called.items() for word in ("--row", "=".join(pair))]
    rows = run("behind", "outcomes", "n_cancelled", *row, *by, "--format", "json").json()
    assert len(rows) == cell["n_cancelled"] > 0
    assert {one["host"] for one in rows} == {cell["host"]}
    missing = ("--by", "patient_state", "--row", "patient_state=–", "--db", tiny.db)
    assert run("behind", "outcomes", "n_slots", *missing).code == 0


def test_evidence_is_written_as_a_folder(run: Any, tiny: Any) -> None:
    told = run("evidence", "outcomes", "n_no_show", "--db", tiny.db, "--out", "proof")
    assert told.code == 0
    n_rows = run("outcomes", "--db", tiny.db, "--format", "json").json()[0]["n_no_show"]
    assert told.out.startswith(f"{n_rows} rows and ")
    assert (run.folder / "proof" / "check.py").is_file()
    again = run("evidence", "outcomes", "n_no_show", "--db", tiny.db, "--out", "proof")
    assert (again.code, again.is_told_in_a_sentence) == (2, True)
    assert "proof is there already" in again.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("outcome", "n_slots"), "Did you mean 'outcomes'"),
        (("outcomes", "no_show_share"), "is made of n_no_show and no_show_share_n"),
        (("outcomes", "n_slots", "--every", "month"), "rows of the figure are so; say which"),
        (("outcomes", "n_slots", "--row", "host=x"), "unknown column 'host'"),
        (("outcomes", "n_slots", "--row", "n_slots"), "expected COLUMN=VALUE"),
        (("outcomes", "n_slots", "--row", "n_slots=0"), "no row of the figure has n_slots '0'"),
        (("outcomes", "n_slots", "--row", "period_on=2025-03"), "one row for all: say --every"),
        (
            ("outcomes", "n_slots", "--every", "month", "--row", "month=2025-03"),
            "unknown column 'month'. Did you mean 'period_on'?",
        ),
        (
            ("outcomes", "n_slots", "--every", "month", "--row", "period_on=March 2025"),
            "has period_on 'March 2025'; give it as the table has it, or --format csv",
        ),
        (
            ("outcomes", "n_slots", "--by", "lead_band", "--row", "lead_band=8-30"),
            "Did you mean '8-30 days'?",
        ),
        (
            ("outcomes", "n_slots", "--by", "name", "--row", "name=Zebediah"),
            "--row: no row of the figure has this name; give it as",
        ),
        (("returns", "n_returned", "--option", "day=9"), "Did you mean 'days'"),
        (("returns", "n_returned", "--option", "days=soon"), "days: expected a whole number"),
        (("rebooking", "n_index", "--every", "month"), "--every: rebooking takes none"),
    ],
)
def test_a_number_that_is_not_there_is_told(
    run: Any, tiny: Any, arguments: tuple[str, ...], said: str
) -> None:
    told = run("behind", *arguments, "--db", tiny.db)
    assert (told.code, told.out) == (2, "")
    assert told.is_told_in_a_sentence
    assert said in told.err


def test_a_workbook_of_rows_has_names_beside_ids(run: Any, tiny: Any) -> None:
    labels = run.folder / "labels.toml"
    labels.write_text('[appointment_type]\naptp_DemoFollowUpAAAAAAA = "A made-up label"\n')
    ask = ("slots", "--db", tiny.db, "--out", "rows.xlsx")
    assert run(*ask, "--labels", labels).code == 0
    read = pd.read_excel(run.folder / "rows.xlsx", sheet_name="Slots", header=3)
    assert read["Host"].notna().any()
    assert read["Host id"].dropna().str.startswith("user_").all()
    kinds = read.loc[read["Appointment type id"] == "aptp_DemoFollowUpAAAAAAA"]
    assert set(kinds["Appointment type"]) == {"A made-up label"}
    assert "Medical center id" not in read  # of these nothing is labelled
    assert "no-show" in set(read["Outcome"])
    assert len(read) == len(avon.open(tiny.db).appointments().slots())
