"""Tab between the quotes of a word, as IPython asks for it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import avon_analytics as avon
from avon_analytics.explorer.completion import words

PERIODS = ["day", "week", "month", "quarter", "year"]


@pytest.fixture(scope="module")
def names(sample: Any) -> Iterator[dict[str, Any]]:
    with avon.open(sample.db) as store, store._database.reading():
        yield {"store": store, "visits": store.appointments(), "text": "visits", "avon": avon}


@pytest.mark.parametrize(
    ("before", "fragment", "known"),
    [
        ('visits.outcomes(by="ho', "ho", ["host", "hour"]),
        ("x = visits.outcomes(by='ho", "ho", ["host", "hour"]),
        ('visits.outcomes("ho', "ho", ["host", "hour"]),
        ('visits.outcomes(["weekday", "ho', "ho", ["host", "hour"]),
        ('visits.outcomes(by=("weekday", "ho', "ho", ["host", "hour"]),
        ('print(")")\nvisits.outcomes(  # "(\n    by="ho', "ho", ["host", "hour"]),
        ('visits.outcomes(by="host", every="', "", PERIODS),
        ('visits.outcomes(basis="', "", ["completed", "booked"]),
        ('visits.cancellations(by="re', "re", ["recurring", "reason"]),
        (
            'visits.outcomes(by="custom:cfld_DemoV',
            "custom:cfld_DemoV",
            ["custom:cfld_DemoVisitsAAAAAAAAAA"],
        ),
        ('store.appointments(period="next', "next", ["next-week", "next-month"]),
        ('store.appointments("2025-01-01", on="', "", ["start", "booked"]),
        ('store.appointments(where={"wee', "wee", ["weekday"]),
        ('store.appointments(where={"host": None, "wee', "wee", ["weekday"]),
        ('store.appointments(period="last-month").outcomes(every="we', "we", ["week"]),
        ('store.table("caregivers', "caregivers", ["caregivers", "caregivers_versions"]),
        ('store.report("x.html", every="q', "q", ["quarter"]),
    ],
)
def test_the_words_that_may_stand_there(
    names: dict[str, Any], before: str, fragment: str, known: list[str]
) -> None:
    assert words(before, names) == (fragment, known)


@pytest.mark.parametrize(
    "before",
    [
        "visits.outcomes(by=",
        'visits.outcomes(by="host"',
        '"ho',
        '# visits.outcomes(by="ho',
        'print("ho',
        'text.count("ho',
        'unknown.outcomes(by="ho',
        'avon.open("ho',
        'visits.outcomes(min_count="',
        'store.appointments(where={"weekday": "Mon',
        'store.appointments(where="host',
        'visits.outcomes(by={"ho',
        'visits.lead_times(basis="',
        'visits.outcomes(by="host"\')',
    ],
)
def test_nothing_is_offered_elsewhere(names: dict[str, Any], before: str) -> None:
    assert words(before, names)[1] == []


def test_only_what_divides_a_figure_is_offered(names: dict[str, Any]) -> None:
    offered = words('visits.replies(by="', names)[1]
    assert offered == ["host", "weekday", "hour", "patient_state", "medical_center"]
    assert "reason" not in words('visits.outcomes(by="', names)[1]


def test_ipython_offers_them_and_nothing_else(sample: Any, tmp_path: Path) -> None:
    """In a process of its own: a shell changes the one that it runs in."""
    cell = f"import avon_analytics as avon; store = avon.open({str(sample.db)!r})"
    code = f"""
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
for _ in range(2):
    shell.run_cell({cell!r})
with provisionalcompleter():
    before = 'store.appointments().outcomes(every="'
    print([one.text for one in shell.Completer.completions(before, len(before))])
"""
    env = {**os.environ, "IPYTHONDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env
    )
    assert done.stdout.splitlines()[-1] == str(PERIODS)
