"""The command of a figure is made from what it declares: every kind of option that one can have."""

from __future__ import annotations

from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from avon_analytics.cli import figures
from avon_analytics.figures.declared import REQUIRED, Figure, Option, Takes, count

ASKED = Figure(
    name="lost_time",
    title="Lost time",
    question="How many hours were lost.",
    row="group and period",
    definition="Hours.",
    columns=(count("n_sessions", "sessions"),),
    examples=("lost-time",),
    has_periods=True,
    options=(
        Option("share", Takes.CHOICE, "Which share.", REQUIRED, choices=("no_show_share", "late")),
        Option("baseline", Takes.DATE, "First day and the day after the last.", length=2),
        Option("rebase", Takes.DATE, "Where limits begin anew.", length=0),
        Option("days_ahead", Takes.WHOLE, "How many days.", 7, least=1),
        Option("target", Takes.NUMBER, "What is aimed at."),
        Option("pickup", Takes.FLAG, "Add what is still to be booked.", False),
    ),
)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the method of the cohort was asked with."""
    calls: list[dict[str, Any]] = []

    class Cohort:
        def lost_time(self, **given: Any) -> None:
            calls.append(given)

    monkeypatch.setattr(figures, "open_store", lambda *_, **__: None)
    monkeypatch.setattr(figures, "ask", lambda *_, **__: Cohort())
    monkeypatch.setattr(figures, "show_figure", lambda *_: None)
    return calls


def run(*words: str) -> Any:
    app = typer.Typer()
    app.command(ASKED.command)(figures.command(ASKED))
    return CliRunner().invoke(app, words, env={"COLUMNS": "100"})


def test_options_come_as_the_method_takes_them(asked: list[dict[str, Any]]) -> None:
    words = "--share late --every week --by host --baseline 2025-01-01 2025-02-01 --target 0.1"
    assert run(*words.split(), "--rebase", "2025-03-01", "--rebase", "2025-05-01").exit_code == 0
    assert run("--share", "late", "--every", "day", "--pickup", "--days-ahead", "3").exit_code == 0
    assert asked == [
        {
            "every": "week",
            "by": ["host"],
            "share": "late",
            "baseline": ("2025-01-01", "2025-02-01"),
            "rebase": ["2025-03-01", "2025-05-01"],
            "days_ahead": 7,
            "target": 0.1,
            "pickup": False,
        },
        {"every": "day", "share": "late", "days_ahead": 3, "pickup": True},
    ]
    assert type(asked[0]["share"]) is str


@pytest.mark.parametrize(
    "words",
    [
        "--every week",
        "--share late --every week --days-ahead 0",
        "--share late --every week --baseline 2025-01-01",
    ],
)
def test_what_is_missing_or_cannot_be_is_wrong_usage(
    asked: list[dict[str, Any]], words: str
) -> None:
    assert run(*words.split()).exit_code == 2
    assert asked == []


def test_help_says_what_is_declared() -> None:
    told = run("--help").output
    assert "How many hours were lost." in told
    for option in ASKED.options:
        assert f"--{option.name.replace('_', '-')}" in told
        assert option.help in told
    assert "<" not in told.partition("--install-completion")[0]
