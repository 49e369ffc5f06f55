"""The explorer without a browser: widgets are set as a reader sets them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from html import escape
from typing import Any

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import avon_analytics as avon
from avon_analytics.appointments.source import asked
from avon_analytics.errors import UsageError
from avon_analytics.explorer.question import Question
from avon_analytics.figures import FIGURES

NOTHING = ""
HOST = "user_1acUdjf425MVJVbaMxfzTEdON1NR"


@pytest.fixture(autouse=True)
def no_loop_of_others() -> Iterator[None]:
    """What drives a browser for other tests leaves its loop running in this thread."""
    theirs = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    yield
    asyncio._set_running_loop(theirs)


@pytest.fixture(scope="module")
def store(sample: Any) -> Iterator[avon.Store]:
    with avon.open(sample.db) as opened, opened._database.reading():
        yield opened


@pytest.fixture(scope="module")
def visits(store: avon.Store) -> avon.Cohort:
    return store.appointments()


@pytest.fixture
def explorer(visits: avon.Cohort) -> avon.Explorer:
    return visits.explore()


def widgets(explorer: avon.Explorer) -> dict[str, Any]:
    """By their descriptions; of the two filters, the first."""
    rows = explorer._box.children
    return {one.description: one for row in rows[::-1] for one in row.children[::-1]}


def choose(explorer: avon.Explorer, **values: Any) -> None:
    found = widgets(explorer)
    for name, value in values.items():
        found[{"is_": "is", "to": "Up to, not with"}.get(name, name.capitalize())].value = value


def choose_figure(explorer: avon.Explorer, figure: str) -> None:
    if figure == "expected":  # it looks ahead alone
        choose(explorer, window="next-month")
    choose(explorer, figure=figure)


def run(code: str, store: avon.Store) -> tuple[pd.DataFrame, list[Any]]:
    """What the lines give where a reader pastes them."""
    shown: list[Any] = []

    def display(*all_of_it: Any) -> None:
        shown.extend(all_of_it)

    names: dict[str, Any] = {"avon": avon, "store": store, "display": display}
    exec(code, names)
    return names["figure"], shown


def test_it_begins_with_outcomes_by_month(explorer: avon.Explorer) -> None:
    lists = [one for row in explorer._box.children for one in row.children if hasattr(one, "index")]
    assert None not in [one.index for one in lists]  # each says what is chosen
    assert repr(explorer) == explorer.code
    assert explorer.code == (
        'figure = store.appointments().outcomes(every="month")\n'
        "display(avon.plot.outcomes(figure), avon.show(figure))"
    )


@pytest.mark.parametrize("figure", FIGURES)
def test_the_code_of_every_figure_gives_what_is_shown_and_rows_behind_it(
    figure: str, explorer: avon.Explorer, store: avon.Store
) -> None:
    choose_figure(explorer, figure)
    frame, shown = run(explorer.code, store)
    assert_frame_equal(frame, explorer.frame)
    assert frame.attrs == explorer.frame.attrs
    assert len(shown) == 1 + (FIGURES[figure].chart is not None)
    # Below it stands the line that gives rows behind it.
    found = explorer._question.behind(explorer.frame)
    assert found is not None
    line, number = found
    rows = eval(line, {"figure": explorer.frame, "store": store})
    (column,) = [one for one in FIGURES[figure].columns if f'"{one.name}"' in line]
    assert number == f"{len(rows):,} under {column.title}"
    html = explorer._bundle()["text/html"]
    assert escape(line) in html
    assert f"such as {number}:" in html


def test_all_that_can_be_chosen_is_in_the_code(explorer: avon.Explorer, store: avon.Store) -> None:
    choose(explorer, every=NOTHING, by="weekday", window="dates", to=date(2025, 7, 1))
    choose(explorer, **{"from": date(2025, 1, 1)}, only="host", is_=(HOST,))
    assert explorer.code.splitlines()[0] == (
        'figure = store.appointments(start="2025-01-01", end="2025-07-01", '
        f'where={{"host": "{HOST}"}}).outcomes(by="weekday")'
    )
    expected = store.appointments("2025-01-01", "2025-07-01", where={"host": HOST})
    assert_frame_equal(explorer.frame, expected.outcomes(by="weekday"))
    assert_frame_equal(explorer.frame, run(explorer.code, store)[0])
    choose(explorer, window="last-month", is_=NOTHING)
    assert explorer.code.startswith('figure = store.appointments(period="last-month").outcomes(')


def test_in_a_narrow_notebook_a_chart_fits_and_the_code_says_how_wide(
    explorer: avon.Explorer, store: avon.Store
) -> None:
    choose(explorer, by="host", every=NOTHING)
    usual, drawn = explorer.code, explorer._bundle()["text/html"]
    explorer._wide.value = 484  # what a browser says of its notebook
    assert explorer.code == usual.replace("plot.outcomes(figure", "plot.outcomes(figure, width=460")
    _, (chart, _) = run(explorer.code, store)
    picture = chart._repr_mimebundle_()["text/html"]
    assert picture in explorer._bundle()["text/html"]
    assert picture not in drawn
    for room, width in ((200, 330), (779, 740), (780, None), (1200, None), (0, None)):
        explorer._wide.value = room
        assert explorer._narrow == width, room
    assert explorer._bundle()["text/html"] == drawn


def test_two_filters_of_one_grouping_are_either(explorer: avon.Explorer, store: avon.Store) -> None:
    for row, wanted in zip(explorer._box.children[3:5], ("Monday", "Friday"), strict=True):
        grouping, value = row.children
        grouping.value = "weekday"
        value.value = (wanted,)
    assert 'where={"weekday": ["Monday", "Friday"]}' in explorer.code
    assert_frame_equal(explorer.frame, run(explorer.code, store)[0])


def test_values_are_those_of_the_cohort_with_names_and_a_missing_one(
    explorer: avon.Explorer, store: avon.Store, visits: avon.Cohort
) -> None:
    choose(explorer, only="host")
    offered = dict(widgets(explorer)["is"].options)
    held = visits.outcomes(by="host")
    by_name = held.sort_values("host_name", key=lambda names: names.str.casefold())
    assert [value[0] for value in list(offered.values())[1:]] == list(by_name["host"])
    assert list(offered)[1] == held["host_name"].min()
    choose(explorer, only="patient_state")
    choose(explorer, is_=dict(widgets(explorer)["is"].options)["not known"])
    assert 'where={"patient_state": None}' in explorer.code
    assert_frame_equal(explorer.frame, run(explorer.code, store)[0])


def test_the_explorer_gives_the_rows_behind_what_it_shows(explorer: avon.Explorer) -> None:
    choose(explorer, by="weekday", only="self_booked", window="last-12-months")
    choose(explorer, is_=(True,))
    figure = explorer.frame
    for row in figure.index[:2]:
        behind = explorer.behind(row, "n_slots")
        assert len(behind) == figure.loc[row, "n_slots"] > 0
        assert set(behind["self_booked"]) == {True}


def test_custom_fields_divide_and_choose(explorer: avon.Explorer, store: avon.Store) -> None:
    payer = "custom:cfld_DemoPayerAAAAAAAAAAA"
    choose(explorer, by=payer, every=NOTHING, only=payer, is_=NOTHING)
    values = [value for _, value in widgets(explorer)["is"].options]
    choose(explorer, is_=values[1])
    assert list(explorer.frame[payer]) == [values[1][0]]
    assert_frame_equal(explorer.frame, run(explorer.code, store)[0])


def test_what_a_figure_does_not_take_cannot_be_chosen(explorer: avon.Explorer) -> None:
    found = widgets(explorer)
    choose(explorer, figure="funnel")
    assert found["Every"].disabled
    assert "every" not in explorer.code
    choose(explorer, figure="cancellations", by="reason")
    assert 'cancellations(by="reason", every="month")' in explorer.code
    choose(explorer, figure="outliers")
    assert found["By"].value == "host"
    choose(explorer, figure="outcomes")  # nobody chose the host
    assert 'outcomes(every="month")' in explorer.code


def test_what_cannot_be_asked_is_said_in_a_sentence(explorer: avon.Explorer) -> None:
    choose(explorer, window="dates", to=date(2024, 1, 1), **{"from": date(2025, 1, 1)})
    html = explorer._bundle()["text/html"]
    assert "UsageError:</strong> the window ends on 2024-01-01" in html
    assert "Traceback" not in html
    with pytest.raises(UsageError, match="not after its start"):
        _ = explorer.frame
    choose(explorer, to=None)
    assert len(explorer.frame)


def test_what_is_shown_is_a_picture_a_table_and_the_code_without_a_script(
    explorer: avon.Explorer,
) -> None:
    shown = explorer._bundle()
    assert set(shown) == {"text/html", "image/svg+xml", "text/plain"}
    html = shown["text/html"]
    assert html.index("<pre") < html.index('<img class="avon-on-light"') < html.index("<table")
    assert "figure = store.appointments().outcomes(every=&quot;month&quot;)" in html
    assert "<script" not in html


def test_what_else_a_figure_can_be_asked_is_chosen_too(
    explorer: avon.Explorer, store: avon.Store
) -> None:
    choose(explorer, figure="signals")
    choose(explorer, share="cancelled_share", better="lower")
    assert 'signals(every="month", share="cancelled_share", better="lower")' in explorer.code
    assert_frame_equal(explorer.frame, run(explorer.code, store)[0])
    choose(explorer, figure="outliers")  # the share stays, better goes
    choose(explorer, overdispersion=True)
    assert 'outliers(by="host", share="cancelled_share", overdispersion=True)' in explorer.code
    assert explorer.frame.attrs["share"] == "cancelled_share"
    choose(explorer, figure="rebooking")
    choose(explorer, days=90)
    assert "rebooking(days=90)" in explorer.code
    choose(explorer, figure="cancellations")
    assert explorer._box.children[1].layout.display is None
    assert explorer._box.children[1].children == ()
    choose(explorer, figure="rebooking")
    assert "rebooking()" in explorer.code


@pytest.mark.parametrize(
    ("figure", "chosen", "code"),
    [
        ("lead_times", {"within, days": 28}, "within=28"),
        ("rebooking", {"days": 45}, "days=45"),
        ("signals", {"target": "0.15"}, "target=0.15"),
        ("signals", {"rebase": "2025-03-01, 2025-06-01"}, 'rebase=["2025-03-01", "2025-06-01"]'),
        ("signals", {"baseline": "2025-01-01 2025-06-01"}, 'baseline=("2025-01-01", "2025-06-01")'),
        ("backtest", {"history from": date(2025, 1, 1)}, 'history_from="2025-01-01"'),
    ],
)
def test_numbers_and_dates_are_free(
    figure: str, chosen: dict[str, Any], code: str, explorer: avon.Explorer, store: avon.Store
) -> None:
    choose(explorer, figure=figure)
    choose(explorer, **chosen)
    assert f", {code})\n" in explorer.code or f"({code})\n" in explorer.code
    assert_frame_equal(explorer.frame, run(explorer.code, store)[0])


def test_every_option_of_every_figure_is_offered(explorer: avon.Explorer) -> None:
    for name, figure in FIGURES.items():
        choose(explorer, figure=name)
        assert [one.name for one in explorer._options] == [one.name for one in figure.options]
        assert not any(one.is_chosen for one in explorer._options)


def test_what_is_no_number_is_said(explorer: avon.Explorer) -> None:
    choose(explorer, figure="signals")
    for text in ("a tenth", "0,15"):  # a comma begins no second number
        choose(explorer, target=text)
        assert "UsageError:</strong>" in explorer._bundle()["text/html"]
    choose(explorer, target=NOTHING)
    assert len(explorer.frame)


def test_no_more_is_shown_than_the_cohort_shows(store: avon.Store) -> None:
    explorer = store.appointments(min_count=2000).explore()
    assert "appointments(min_count=2000)" in explorer.code
    assert explorer.frame.attrs["min_count"] == 2000


def test_the_cohort_can_be_another_one(explorer: avon.Explorer, store: avon.Store) -> None:
    found = widgets(explorer)
    found["Placed by"].value, found["Blank counts below"].value = "booked", 11
    found["As of the end of"].value = date(2025, 6, 30)
    assert 'appointments(as_of="2025-06-30", on="booked", min_count=11)' in explorer.code
    frame = store.appointments(as_of="2025-06-30", on="booked", min_count=11)
    assert_frame_equal(explorer.frame, frame.outcomes(every="month"))


async def _choices_in_quick_succession(explorer: avon.Explorer, asked: list[str]) -> None:
    for value in ("weekday", "hour", "host"):
        choose(explorer, by=value)
    assert asked == []
    await asyncio.sleep(0.3)
    assert asked == ['outcomes(by="host", every="month")']
    choose(explorer, by="weekday")
    assert 'by="weekday"' in explorer.code  # who asks does not wait


def test_of_choices_in_quick_succession_the_last_is_computed(
    explorer: avon.Explorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    ask = Question.ask

    def counted(question: Question, source: Any) -> pd.DataFrame:
        asked.append(question.code.splitlines()[0].rpartition(").")[2])
        assert "Computing" in explorer._status.value
        return ask(question, source)

    monkeypatch.setattr(Question, "ask", counted)
    asyncio.run(_choices_in_quick_succession(explorer, asked))
    assert len(asked) == 2
    assert "Computing" not in explorer._status.value


def test_it_is_shown_once_and_then_changed_in_place(
    explorer: avon.Explorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[dict[str, Any]] = []
    monkeypatch.setattr("IPython.display.display", lambda _, **how: calls.append(how))
    choose(explorer, figure="funnel")
    assert calls == []
    explorer._ipython_display_()
    choose(explorer, figure="reschedules")
    choose(explorer, only="weekday")  # asks nothing yet
    box, first, then = calls
    assert box == {}
    assert then == {**first, "update": True}


def test_a_cohort_says_what_it_was_asked(store: avon.Store) -> None:
    as_of = datetime(2025, 6, 1, 12, 30, tzinfo=UTC)
    told: dict[str, Any] = {
        "start": "2025-01-01",
        "on": "booked",
        "as_of": as_of.isoformat(),
        "where": {"weekday": ["Monday", "Friday"], "group": [False]},
        "include_internal": True,
        "grace": 12.0,
        "late": "same_day",
        "status_words": {"dna": "no_show"},
        "min_count": 5,
    }
    for given in (told, {}, {"late": 48.0, "end": "2025-03-01"}):
        cohort = store.appointments(**given)
        assert asked(cohort) == given
        assert store.appointments(**asked(cohort)) == cohort


def test_it_keeps_the_scope_that_it_was_asked_of(store: avon.Store) -> None:
    cohort = store.appointments("2025-01-01", where={"host": HOST}, min_count=5)
    explorer = cohort.explore()
    assert_frame_equal(explorer.frame, cohort.outcomes(every="month"))
    assert_frame_equal(explorer.frame, run(explorer.code, store)[0])


def test_it_says_what_to_install(visits: avon.Cohort, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    with pytest.raises(UsageError, match=r'pip install "avon-analytics\[notebook\]"'):
        visits.explore()
