"""The SQL files: each says what a row is, runs on an empty store, and is one statement."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest

from avon_analytics.appointments.slots.queries import quantiles_at_once, sql
from avon_analytics.appointments.slots.slots import default_as_of, install_views
from avon_analytics.appointments.slots.steps import STEPS
from avon_analytics.figures import FIGURES

if TYPE_CHECKING:
    from tests.appointments.conftest import Clinic

FOLDER = files("avon_analytics.appointments").joinpath("sql")
NAMES = sorted(path.name.removesuffix(".sql") for path in FOLDER.iterdir())
COUNTED = tuple(name for name in FIGURES if name in NAMES)
"""The figures that have a statement of their own."""
SOURCES = "".join(path.read_text("utf-8") for path in Path(str(FOLDER)).parent.rglob("*.py"))


def test_every_file_is_used() -> None:
    """As a step, by a figure of its name, or by its name."""
    words = set(re.findall(r"\w+", SOURCES))
    asked = {name for word in words for name in (word, f"quality_{word}", f"{word}s_behind")}
    assert set(NAMES) - {*STEPS, *FIGURES, *asked} == set()


@pytest.mark.parametrize("name", NAMES)
def test_every_file_has_a_header_and_is_one_statement_in_the_common_subset(name: str) -> None:
    text = FOLDER.joinpath(f"{name}.sql").read_text("utf-8")
    assert text.startswith("-- One row")
    header = " ".join(line for line in text.splitlines() if line.startswith("--"))
    body = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
    assert ";" not in body
    for parameter in re.findall(r"\$\w+", body):
        assert parameter in header
    for word in ("quantile_cont", "date_diff", "extract(", "list_", "struct_pack", "::"):
        assert word not in body


def test_every_file_runs_on_empty_tables(clinic: Clinic) -> None:
    assert default_as_of(clinic.database) is None
    visits = clinic.visits()
    for rows in (visits.slots(), visits.lifecycle(), visits.outcomes(), visits.cancellations()):
        assert len(rows) == 0
    clinic.person("ann", custom={"cfld_1": '"x"'})
    assert len(clinic.visits().funnel("custom:cfld_1")) == 0


def test_two_quantiles_at_once_are_those_of_one_after_the_other() -> None:
    """Of any form that a figure asks them in, with groups of no value and of one."""
    asked = {
        name: text
        for name in COUNTED
        if (text := sql(name)).count("percentile_cont(0.9)") > 0
        and "percentile_cont(0.9)" not in quantiles_at_once(text)
    }
    assert set(asked) == {"funnel", "lead_times", "punctuality"}
    text = """
    SELECT
        n,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY CAST(x AS DOUBLE)) AS half,
        percentile_cont(0.9) WITHIN GROUP (ORDER BY CAST(x AS DOUBLE)) AS most,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY y) FILTER (
            WHERE y > 0.3
        ) AS half_y,
        percentile_cont(0.9) WITHIN GROUP (ORDER BY y) FILTER (
            WHERE y > 0.3
        ) AS most_y,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY x) FILTER (WHERE y > 0.5) AS apart,
        percentile_cont(0.9) WITHIN GROUP (ORDER BY x) FILTER (WHERE y > 0.6) AS from_it
    FROM (SELECT i % 7 AS n, i % 13 AS x, 1 / (i % 7 + i % 11) AS y FROM range(90) AS r (i)) AS t
    GROUP BY n
    ORDER BY n
    """
    assert quantiles_at_once(text).count("quantile_cont(") == 4
    with duckdb.connect() as connection:
        one_by_one = connection.execute(text).fetchall()
        assert connection.execute(quantiles_at_once(text)).fetchall() == one_by_one
    assert any(None in row for row in one_by_one)


def test_the_views_hold_what_the_figures_count(clinic: Clinic) -> None:
    with clinic.database.writing() as connection:
        install_views(connection)
        install_views(connection)
    clinic.person("ann", timezone="America/New_York")
    clinic.tell("created", "03-01 09:00", "v")
    clinic.tell("cancelled", "03-09 09:00", "v", history=[("cancelled", "03-09 08:59", "ann")])
    clinic.tell("created", "03-01 09:00", "w", start="03-12 15:00")
    clinic.tell("rescheduled", "03-11 09:00", "w", start="03-08 15:00")
    clinic.tell("created", "03-01 09:00", "meeting", internal=True)
    visits = clinic.visits(as_of=None)
    tables = {"appointment_slots": visits.slots(), "appointment_lifecycle": visits.lifecycle()}
    for view, rows in tables.items():
        names = ", ".join(f'"{name}"' for name in rows if not str(rows[name].dtype).endswith("C]"))
        with clinic.database.reading() as connection:
            found = connection.execute(
                f"SELECT {names} FROM {view} ORDER BY start_at, appointment_id"
            ).df()
        assert len(found) == len(rows) > 0
        for name in found:
            assert found[name].astype(object).where(found[name].notna(), None).tolist() == (
                rows[name].astype(object).where(rows[name].notna(), None).tolist()
            ), name
