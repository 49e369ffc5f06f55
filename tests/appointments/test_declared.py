"""What the figures declare is what they answer, and what the pages say."""

from __future__ import annotations

import inspect
from collections import defaultdict
from pathlib import Path

import pytest

from avon_analytics import plot
from avon_analytics.appointments.cohort import Cohort
from avon_analytics.appointments.rows.groupings import GROUPINGS, OF_CANCELLATIONS, OF_REFILLS
from avon_analytics.figures import FIGURES, Kind
from avon_analytics.figures.compare import COLUMNS as OF_COMPARE
from avon_analytics.figures.compare import FIGURE as COMPARE
from avon_analytics.figures.tables import table, written
from tests.appointments.conftest import Clinic

PAGE = Path(__file__).resolve().parents[2] / "docs" / "definitions.md"
NAMES = list(FIGURES)


@pytest.mark.parametrize("name", NAMES)
def test_the_method_takes_what_is_declared(name: str) -> None:
    figure = FIGURES[name]
    takes = dict(inspect.signature(getattr(Cohort, name)).parameters)
    expected = {option.name: option.default for option in figure.options}
    for parameter in ("self", "by", "every", "min_count"):
        takes.pop(parameter, None)
    required = {option.name for option in figure.options if option.is_required}
    assert set(takes) == set(expected)
    for parameter, one in takes.items():
        if parameter in required:
            assert one.default is inspect.Parameter.empty
        else:
            assert one.default == expected[parameter]
    signature = inspect.signature(getattr(Cohort, name)).parameters
    assert "by" in signature
    assert ("every" in signature) == figure.has_periods


@pytest.mark.parametrize("name", NAMES)
def test_the_docstring_names_every_column(name: str) -> None:
    told = inspect.getdoc(getattr(Cohort, name)) or ""
    columns = [one.name for one in FIGURES[name].columns if one.kind is not Kind.BOUND]
    missing = [column for column in columns if column not in told]
    said_short = {"n_by_provider", "n_by_unknown", "n_cancelled_by_provider"}
    said_short |= {"n_cancelled_by_unknown", "no_show_share_if_all_unresolved_attended"}
    assert set(missing) <= said_short


def test_of_one_name_there_is_one_kind_and_one_heading() -> None:
    said: dict[str, set[tuple[Kind, str]]] = defaultdict(set)
    for figure in FIGURES.values():
        for column in figure.spelled.values():
            said[column.name].add((column.kind, column.title))
    for column in OF_COMPARE.values():
        said[column.name].add((column.kind, column.title))
    assert {name: ways for name, ways in said.items() if len(ways) > 1} == {}


def test_no_column_is_named_like_a_grouping() -> None:
    groups = {*GROUPINGS, *OF_CANCELLATIONS, "period_on"}
    assert not groups & {name for figure in FIGURES.values() for name in figure.spelled}


def test_what_a_declaration_refers_to_is_there() -> None:
    for figure in (*FIGURES.values(), COMPARE):
        assert figure.chart is None or hasattr(plot, figure.chart)
        assert {*figure.groupings} <= {*OF_CANCELLATIONS, *OF_REFILLS}
        assert {*(figure.general or ())} <= {*GROUPINGS}
        assert figure.question.endswith(".")
        assert all(line.split()[0] == figure.command for line in figure.examples)
        for column in figure.columns:
            assert column.counts in {"", *figure.spelled}, column.name


def test_the_page_has_the_tables_that_are_declared() -> None:
    """If not: python -m avon_analytics.figures.tables docs/definitions.md"""
    page = PAGE.read_text("utf-8")
    for figure in (*FIGURES.values(), COMPARE):
        assert f"## `{figure.name}`\n" in page
        assert table(figure) in page, figure.name
    assert written(page) == page


@pytest.fixture(scope="module")
def filled(module_clinic: Clinic) -> Clinic:
    """Six visits in two months, each kind of end twice, the cancelled ones booked again."""
    clinic = module_clinic
    for nth, (day, end) in enumerate(
        (day, end) for day in ("03-10", "04-14") for end in ("completed", "no_show", "cancelled")
    ):
        start, visit = f"{day} 15:00", f"v{nth}"
        ended = f"{day} 14:00" if end == "cancelled" else f"{day} 15:40"
        clinic.tell("created", "02-20 09:00", visit, start=start)
        clinic.tell(end, ended, visit, start=start)
        if end == "cancelled":
            clinic.tell("created", f"{day} 16:00", f"{visit}b", start=f"{day} 17:00")
    clinic.person("ann")
    clinic.staff("dr")
    for nth, (by, when) in enumerate([("ann", "03-10 09:00"), ("dr", "03-10 11:00")]):
        event = clinic.event("message.created", when, f"m{nth}")
        clinic.add(
            "messages_versions",
            event_id=event,
            occurred_at=clinic.at(when),
            id=f"m{nth}",
            thread="t",
            created_by=by,
            created_at=clinic.at(when),
        )
    return clinic


@pytest.mark.parametrize("name", NAMES)
def test_a_share_is_what_it_counts_of_its_denominator(filled: Clinic, name: str) -> None:
    visits = filled.visits()
    if name == "expected":  # looks ahead of T
        visits = filled.visits(as_of="03-01 00:00", start="2025-03-02")
    rows = getattr(visits, name)()
    assert len(rows)
    for column in FIGURES[name].columns:
        if column.has_n and column.counts:
            among = rows[f"{column.name}_n"]
            known = rows[column.name].notna()
            assert list(known) == list(among > 0)
            shares = rows[column.counts][known] / among[known]
            assert list(rows[column.name][known]) == pytest.approx(list(shares))
            assert rows[f"{column.name}_low"][known].between(0, shares).all()


@pytest.mark.parametrize("min_count", [0, 3])
@pytest.mark.parametrize("name", NAMES)
def test_columns_and_types_are_the_declared_ones(filled: Clinic, name: str, min_count: int) -> None:
    figure = FIGURES[name]
    for visits in (filled.visits(), filled.visits(start="2024-01-01", end="2024-02-01")):
        if name == "expected":  # looks ahead of T
            visits = filled.visits(as_of="03-01 00:00", start="2025-03-02")
        rows = getattr(visits, name)(by="host", min_count=min_count)
        # These have months and weeks unless asked otherwise.
        periods = ["period_on"] if name in ("signals", "backtest") else []
        assert list(rows) == ["host", "host_name", *periods, *figure.names]
        for column in figure.spelled.values():
            is_blanked = min_count and column.kind is Kind.COUNT
            assert rows[column.name].dtype == ("Int64" if is_blanked else column.dtype)
        assert rows.attrs["figure"] == name
