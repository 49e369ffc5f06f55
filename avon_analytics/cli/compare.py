"""The command ``compare``: the shares of two cohorts, side by side."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from inspect import Parameter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from avon_analytics.cli import options as opt
from avon_analytics.cli.figures import RESULT, annotation, plain
from avon_analytics.cli.helpers import (
    DB,
    OUT,
    WAIT_TO_READ,
    conditions,
    example,
    open_store,
    show_figure,
)
from avon_analytics.cli.target import target
from avon_analytics.errors import AvonWarning, UsageError
from avon_analytics.figures import FIGURES
from avon_analytics.figures.compare import FIGURE
from avon_analytics.figures.declared import Option
from avon_analytics.printable import say

if TYPE_CHECKING:
    import pandas as pd

    from avon_analytics.api import Store

_COMPARED = [figure for figure in FIGURES.values() if figure.shares]
_NEED = (
    "compare: say what to compare with: --other-period, --other-start and --other-end, or "
    "--other-where"
)


def _of_figures() -> Mapping[str, Option]:
    """What the figures that can be compared take besides, by name; nothing by default."""
    options = [(figure, option) for figure in _COMPARED for option in figure.options]
    whose: dict[str, dict[str, list[str]]] = {}
    for figure, option in options:
        whose.setdefault(option.name, {}).setdefault(option.help, []).append(figure.command)
    return {
        option.name: replace(
            option,
            default=None,
            help=" ".join(
                f"Of {' and '.join(commands)}: {text[:1].lower()}{text[1:]}"
                for text, commands in whose[option.name].items()
            ),
        )
        for _, option in options
    }


_OPTIONS = _of_figures()
_OTHER: Mapping[str, Any] = {
    "other_start": Annotated[
        str | None,
        typer.Option("--other-start", metavar="DATE", help="First local day of the other window."),
    ],
    "other_end": Annotated[
        str | None,
        typer.Option("--other-end", metavar="DATE", help="The day after the last of the other."),
    ],
    "other_period": Annotated[
        str | None,
        typer.Option(
            "--other-period",
            metavar="NAME",
            help="The other window by name.",
            autocompletion=opt.offered(opt.NAMED_PERIODS),
        ),
    ],
    "other_where": Annotated[
        list[str] | None,
        typer.Option(
            "--other-where",
            metavar="GROUPING=VALUE",
            help="Keep this group in the other, in place of --where of the same grouping "
            "(repeatable).",
        ),
    ],
}


def _run(**given: Any) -> None:
    to = target(*(given.pop(name) for name in RESULT), draws=True)
    labels, wait = given.pop("labels"), given.pop("wait")
    store = open_store(given.pop("db"), out=to.out, labels=labels, wait=wait)
    ours = {name: plain(given.pop(name)) for name in opt.COHORT if name != "labels"}
    ours["where"] = conditions(store, ours["where"])
    theirs = _other(store, ours, **{name: plain(given.pop(name)) for name in _OTHER})
    figure = given.pop("figure")
    arguments = {name: plain(value) for name, value in given.items() if value is not None}
    with warnings.catch_warnings(record=True) as doubts:
        warnings.simplefilter("always", AvonWarning)
        found = _compared(store, ours, theirs, figure, arguments)
    for doubt in doubts:
        say(f"avon-analytics: {doubt.message}")
    show_figure(found, to, FIGURE.title, FIGURE.chart)


def _compared(
    store: Store,
    ours: Mapping[str, Any],
    theirs: Mapping[str, Any],
    figure: str,
    given: Mapping[str, Any],
) -> pd.DataFrame:
    this, other = store.appointments(**ours), store.appointments(**theirs)
    name = figure.replace("-", "_")
    if name in FIGURES:
        taken = {"by", *(option.name for option in FIGURES[name].options)}
        taken |= {"every"} if FIGURES[name].has_periods else set()
        for option in given:
            if option not in taken:
                raise UsageError(f"compare: {name} takes no --{option.replace('_', '-')}")
    return this.compare(other, name, **given)


def _other(
    store: Store,
    ours: Mapping[str, Any],
    other_start: str | None,
    other_end: str | None,
    other_period: str | None,
    other_where: list[str] | None,
) -> dict[str, Any]:
    """The other cohort: as the first one, but for what is said of it."""
    window = {"start": other_start, "end": other_end, "period": other_period}
    where = conditions(store, other_where, "--other-where")
    if not any(window.values()) and not where:
        raise UsageError(_NEED)
    return {
        **ours,
        **(window if any(window.values()) else {}),
        "where": {**ours["where"], **where},
    }


def _parameters() -> Sequence[Parameter]:
    figure = typer.Option(
        "--figure",
        metavar="FIGURE",
        help="Whose shares: " + ", ".join(one.command for one in _COMPARED) + ".",
        autocompletion=opt.offered([one.command for one in _COMPARED]),
    )
    wanted: list[tuple[str, Any, Any]] = [
        ("db", opt.Db, DB),
        ("wait", opt.WaitToRead, WAIT_TO_READ),
        ("figure", Annotated[str, figure], "outcomes"),
        ("by", opt.by(), None),
        ("every", opt.EveryOption, None),
        *((name, *of_cohort) for name, of_cohort in opt.COHORT.items()),
        *((name, of_other, None) for name, of_other in _OTHER.items()),
        *((name, annotation(option), None) for name, option in _OPTIONS.items()),
        *RESULT.values(),
    ]
    return [
        Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotated)
        for name, annotated, default in wanted
    ]


compare = typer.Typer()
compare.command(FIGURE.command, rich_help_panel=OUT, epilog=example(*FIGURE.examples))(
    opt.shaped(_run, _parameters(), FIGURE.name, FIGURE.question)
)
