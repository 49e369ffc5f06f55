"""From a number to its rows: as many as it says, of every count of every figure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import avon_analytics as avon
from avon_analytics.appointments.behind.counting import counting
from avon_analytics.appointments.cohort import Cohort
from avon_analytics.appointments.rows.engine import StoreEngine
from avon_analytics.errors import UsageError
from avon_analytics.figures import FIGURES, Kind
from avon_analytics.store.database import Database
from tests.appointments.conftest import Clinic
from tests.appointments.test_dialects import parsed, refused
from tests.appointments.test_properties import events, when
from tests.appointments.test_sql import COUNTED
from tests.frames import column_names, records

if TYPE_CHECKING:
    from tests.conftest import Loaded

WAYS: dict[str, tuple[dict[str, Any], ...]] = dict.fromkeys(FIGURES, ({}, {"by": "host"}))
"""How each figure is asked: whole or by period, and by groups, with its options."""
WAYS |= {
    "outcomes": ({}, {"by": ["host", "weekday"], "basis": "booked"}),
    "funnel": ({}, {"by": "patient_state", "unit": "slot"}),
    "cancellations": ({"every": "week"}, {"by": "cancelled_by"}),
    "reschedules": ({}, {"by": "lead_band", "every": "week"}),
    "lead_times": ({"every": "week", "within": 3}, {"by": "interaction_type"}),
    "rebooking": ({"days": 5}, {"by": ["hour"], "days": 5}),
    "returns": ({"days": 4}, {"by": "host", "every": "week", "days": 4}),
    "incidence": ({}, {"by": "interaction_type"}),
    "punctuality": ({}, {"by": "patient_visit", "every": "month"}),
    "signals": (
        {"every": "week", "basis": "booked"},
        {"every": "day", "by": "host", "share": "late_share"},
    ),
    "outliers": ({"by": "weekday"}, {"by": "hour", "share": "patient_cancelled_share"}),
    "lost_time": ({}, {"by": "host", "every": "week"}),
    "refills": ({}, {"by": "released_by"}),
    "replies": ({}, {"by": "host", "every": "week", "hours": 2}),
    "expected": ({}, {"by": "host", "every": "day"}),
    "backtest": ({"every": "day", "days_ahead": 2}, {"by": "host", "every": "week"}),
}


@dataclass(frozen=True)
class Listening(StoreEngine):
    """An engine that keeps the queries that it runs."""

    queries: list[str] = field(default_factory=list)

    def frame(
        self, query: str, parameters: Mapping[str, Any], dtypes: Mapping[str, str] | None = None
    ) -> pd.DataFrame:
        self.queries.append(query)
        return super().frame(query, parameters, dtypes)


CUT = "03-20 12:00"


@pytest.fixture(scope="module")
def random_clinic() -> Iterator[Clinic]:
    """Visits of every kind, some of them still to come, and messages of two patients."""
    database = Database(":memory:")
    clinic = Clinic(database)
    rng = Random("behind")
    for event in events(rng, 40):
        clinic.tell(**event)
    for nth, patient in enumerate(("ann", "bob", "cid")):
        clinic.person(patient, state=("NY", "MA", None)[nth])
    clinic.staff("dr")
    for nth in range(20):
        who = rng.choice(("ann", "bob", "dr"))
        clinic.write(f"m{nth}", f"t{nth % 3}", who, when(rng))
    yield clinic
    database.close()


def counts(figure: str, frame: pd.DataFrame) -> list[str]:
    spelled = FIGURES[figure].spelled
    return [
        name for name in column_names(frame) if name in spelled and spelled[name].kind is Kind.COUNT
    ]


@pytest.mark.parametrize("way", [0, 1])
@pytest.mark.parametrize("figure", WAYS)
def test_as_many_rows_as_the_number_says(random_clinic: Clinic, figure: str, way: int) -> None:
    window = {"start": "2025-03-21"} if figure == "expected" else {}
    visits = random_clinic.visits(as_of=CUT, **window)
    holds(visits, getattr(visits, figure)(**WAYS[figure][way]))


@pytest.mark.parametrize("figure", [name for name, one in FIGURES.items() if one.general is None])
def test_a_grouping_named_group_is_one_like_any_other(random_clinic: Clinic, figure: str) -> None:
    """Its values are flags; ``signals`` once put the numbers of the groups in their place."""
    window = {"start": "2025-03-21"} if figure == "expected" else {}
    every = {"every": "week"} if FIGURES[figure].has_periods else {}
    visits = random_clinic.visits(as_of=CUT, **window)
    frame = getattr(visits, figure)(by="group", **every)
    assert frame["group"].dtype == "boolean"
    assert set(frame["group"].dropna()) <= {True, False}


@pytest.mark.parametrize("figure", [name for name in WAYS if name != "expected"])
def test_the_same_on_the_sample(sample_visits: avon.Cohort, figure: str) -> None:
    holds(sample_visits, getattr(sample_visits, figure)(**WAYS[figure][1]), n_columns=1)


@pytest.fixture(scope="module")
def sample_visits(sample: Loaded) -> Iterator[avon.Cohort]:
    with avon.open(sample.db) as store, store._database.reading():
        yield store.appointments(
            start="2025-01-01", where={"weekday": ["Monday", "Tuesday", "Friday"]}
        )


def holds(visits: Cohort, frame: pd.DataFrame, n_columns: int | None = None) -> None:
    """Behind every count there are as many rows, each once, and of the group."""
    figure = str(frame.attrs["figure"])
    rng = Random(figure)
    columns = counts(figure, frame)
    for column in rng.sample(columns, n_columns or len(columns)):
        full = frame.index[frame[column] > 0]
        row = rng.choice(list(full if len(full) else frame.index))
        behind = visits.behind(frame, row, column)
        assert len(behind) == frame.loc[row, column], (column, row)
        assert not behind.duplicated([name for name in ID_COLUMNS if name in behind]).any()
        for name in set(frame.attrs["by"]) & set(behind.columns):
            expected = frame.loc[row, name]
            same = behind[name].isna() if pd.isna(expected) else behind[name] == expected
            assert same.all()


ID_COLUMNS = ("appointment_id", "slot", "patient_id", "message_id")


def four_visits(clinic: Clinic) -> None:
    """Ann came and missed one, Bob cancelled late; one visit of another host is open."""
    for visit, start, patient in (
        ("came", "03-03 15:00", "ann"),
        ("missed", "03-10 15:00", "ann"),
        ("cancelled", "03-11 15:00", "bob"),
    ):
        clinic.tell("created", "03-01 09:00", visit, start=start, attendees=("dr", patient))
        word = {"came": "completed", "missed": "no_show"}.get(visit, "cancelled")
        at_end = start.replace("15:00", "14:00" if visit == "cancelled" else "15:30")
        clinic.tell(
            "updated",
            at_end,
            visit,
            start=start,
            attendees=("dr", patient),
            history=[(word, at_end, patient)],
        )
    clinic.tell(
        "created", "03-02 09:00", "open", start="03-25 15:00", attendees=("doc", "ann"), host="doc"
    )


def test_the_rows_are_those_that_were_counted(clinic: Clinic) -> None:
    four_visits(clinic)
    visits = clinic.visits(as_of="03-20 12:00")
    by_host = visits.outcomes("host").sort_values("n_slots", ascending=False)
    assert list(by_host.host) == ["dr", "doc"]

    def ids(frame: pd.DataFrame, row: int, column: str, name: str = "appointment_id") -> list[str]:
        return list(visits.behind(frame, row, column)[name])

    dr, doc = by_host.index
    assert ids(by_host, dr, "n_slots") == ["came", "missed", "cancelled"]
    assert ids(by_host, dr, "n_no_show") == ["missed"]
    assert ids(by_host, dr, "no_show_share_n") == ["came", "missed"]
    assert ids(by_host, dr, "attended_share_n") == ["came", "missed", "cancelled"]
    assert ids(by_host, doc, "n_not_due") == ["open"]
    assert ids(by_host, doc, "n_attended") == []
    late = visits.cancellations(by="notice_band")
    assert ids(late, 0, "n_late") == ["cancelled"]
    assert ids(visits.cancellations(), 0, "patient_cancelled_share_n") == [
        "came",
        "missed",
        "cancelled",
    ]
    seen = visits.returns(days=5)
    assert ids(seen, 0, "n_patients", "patient_id") == ["ann"]
    stages = visits.funnel()
    assert ids(stages, 0, "n_reached") == ["came", "missed", "cancelled", "open"]
    assert ids(stages, 2, "n_reached") == ["came"]
    assert ids(stages, 2, "previous_share_n") == ["came"]
    assert ids(stages, 1, "previous_share_n") == ["came", "missed", "cancelled", "open"]
    weeks = visits.outcomes(every="week")
    assert [ids(weeks, row, "n_slots") for row in weeks.index] == [
        ["came"],
        ["missed", "cancelled"],
        ["open"],
    ]


def test_rows_have_the_columns_of_slots_whatever_the_cohort_was_narrowed_by(clinic: Clinic) -> None:
    four_visits(clinic)
    clinic.person("ann", custom={"cfld_1": '"blue"'})
    every = clinic.visits()
    assert set(every.slots({"patient_visit": "unknown"})) == set(every.slots())
    narrowed = clinic.visits(where={"custom:cfld_1": "blue", "patient_visit": ["first", "unknown"]})
    frame = narrowed.outcomes("custom:cfld_1")
    behind = narrowed.behind(frame, 0, "n_slots")
    assert list(behind.columns) == list(every.slots().columns)
    assert behind.attrs["as_of"] == frame.attrs["as_of"]
    assert behind.attrs["definition"] == (
        "One row is one slot that n_slots of outcomes (custom:cfld_1 blue) counts."
    )
    assert list(behind.appointment_id) == ["came"]  # at the others she was no new patient


@pytest.mark.parametrize(
    ("figure", "row", "column", "said"),
    [
        ("outcomes", 0, "no_show_share", "is made of n_no_show and no_show_share_n"),
        ("outcomes", 0, "no_show_share_low", "is made of n_no_show and no_show_share_n"),
        ("cancellations", 0, "median_notice_hours", "is made of late_share_n"),
        ("lost_time", 0, "lost_hours", "counts are n_sessions, n_without_length"),
        ("outcomes", 0, "n_slot", "Did you mean 'n_slots'"),
        ("outcomes", 0, ["n_slots"], "expected a text"),
        ("outcomes", 1, "n_slots", "row: expected the label of one row of the figure, of 0"),
        ("outcomes", [0], "n_slots", "row: expected the label of one row"),
    ],
)
def test_what_counts_no_rows_is_told(
    clinic: Clinic, figure: str, row: Any, column: Any, said: str
) -> None:
    four_visits(clinic)
    visits = clinic.visits()
    with pytest.raises(UsageError, match=re.escape(said)):
        visits.behind(getattr(visits, figure)(), row, column)


def test_a_number_that_is_not_of_this_cohort_is_refused(clinic: Clinic) -> None:
    four_visits(clinic)
    visits, others = clinic.visits(), clinic.visits(where={"host": "doc"})
    frame = visits.outcomes()
    with pytest.raises(UsageError, match="there are 1 rows in this cohort, and the figure says 4"):
        others.behind(frame, 0, "n_slots")
    with pytest.raises(UsageError, match="the cohort as of 2025-03-20"):
        clinic.visits(as_of="03-20 12:00").behind(frame, 0, "n_slots")
    with pytest.raises(UsageError, match="ask each of them"):
        visits.behind(clinic.visits(where={"host": "dr"}).compare(others), 0, "share_n")
    others_made: tuple[Any, ...] = (records(frame), pd.DataFrame({"n_slots": [4]}))
    for other in others_made:
        with pytest.raises(UsageError, match="as the cohort returned it"):
            visits.behind(other, 0, "n_slots")
    by_host = visits.outcomes("host")
    with pytest.raises(UsageError, match="lost its column host"):
        visits.behind(by_host.drop(columns="host"), 0, "n_slots")
    clinic.load()
    clinic.tell("created", "03-02 10:00", "new", start="03-05 15:00")
    with pytest.raises(UsageError, match="there are 5 rows in this cohort, and the figure says 4"):
        clinic.visits().behind(frame, 0, "n_slots")


def test_an_error_says_nothing_of_what_somebody_wrote(clinic: Clinic) -> None:
    for number in range(2):
        clinic.person("ann", custom={"cfld_1": '"Jane Roe"'})
        clinic.tell("created", "03-01 10:00", f"v{number}", host="dr", attendees=["ann"])
    group = "custom:cfld_1"
    frame = clinic.visits().outcomes(group)
    assert list(frame[group]) == ["Jane Roe"]
    others = clinic.visits(where={"lead_band": "same day"})
    with pytest.raises(UsageError, match=r"there are \d+ rows in this cohort") as caught:
        others.behind(frame, 0, "n_slots")
    assert "Jane" not in str(caught.value)


def test_a_blanked_number_has_no_rows(clinic: Clinic) -> None:
    four_visits(clinic)
    visits = clinic.visits(min_count=3)
    frame = visits.outcomes("host")
    assert frame.n_no_show.isna().any()
    row = frame.index[frame.n_no_show.isna()][0]
    with pytest.raises(UsageError, match="n_no_show is blank in this row"):
        visits.behind(frame, row, "n_no_show")


@pytest.mark.parametrize("figure", COUNTED)
def test_no_step_has_a_name_twice(random_clinic: Clinic, figure: str) -> None:
    """Spark refuses such a name, and DuckDB takes the first of the two without a word."""
    visits = random_clinic.visits()
    options = {one.name: one.default for one in FIGURES[figure].options}
    rows = visits._rows_for(FIGURES[figure], (), None, options)
    query = rows.query(f"SELECT * FROM ({counting(figure).rows('true')}) AS counted LIMIT 0")
    columns = StoreEngine(random_clinic.database).frame(query, rows.bind(query)).columns
    assert not {f"{name}_1" for name in columns} & set(columns)


def test_both_engines_read_the_queries(random_clinic: Clinic) -> None:
    visits = random_clinic.visits(as_of=CUT)
    engine = Listening(random_clinic.database)
    listened = replace(visits, _engine=engine)
    for figure, ways in WAYS.items():
        if figure == "expected":
            continue
        frame = getattr(visits, figure)(**ways[1])
        listened.behind(frame, frame.index[0], counts(figure, frame)[0])
    asked = [query for query in engine.queries if "counted" in query]
    assert len(asked) >= len(WAYS) - 1
    for query in dict.fromkeys(asked):
        assert parsed(query.replace("struct_pack", "named_pack"), "spark")
        assert refused(parsed(query, "duckdb"), query) == []
