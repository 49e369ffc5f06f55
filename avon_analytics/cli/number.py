"""The commands that go from a number to its rows, and to its proof."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from avon_analytics.arguments import choice
from avon_analytics.cli import options as opt
from avon_analytics.cli.helpers import (
    AROUND,
    DB,
    WAIT_TO_READ,
    ask,
    example,
    open_store,
    show_rows,
)
from avon_analytics.cli.output import emit
from avon_analytics.cli.row import pair, row_label
from avon_analytics.cli.target import target
from avon_analytics.errors import UnknownGroup, UsageError
from avon_analytics.figures import FIGURES
from avon_analytics.figures.declared import Option, Takes

if TYPE_CHECKING:
    import pandas as pd

    from avon_analytics.appointments.cohort import Cohort

number = typer.Typer()

_FigureName = Annotated[
    str,
    typer.Argument(
        metavar="FIGURE",
        help="The command of the figure, such as outcomes.",
        autocompletion=lambda incomplete: [
            one.command for one in FIGURES.values() if one.command.startswith(incomplete)
        ],
    ),
]
_Column = Annotated[str, typer.Argument(metavar="COLUMN", help="A count, such as n_no_show.")]
_Row = Annotated[
    list[str] | None,
    typer.Option(
        "--row",
        metavar="COLUMN=VALUE",
        help="Which row: what its groups and its period are, as the table has them, or --format "
        "csv (repeatable).",
    ),
]
_Options = Annotated[
    list[str] | None,
    typer.Option(
        "--option",
        metavar="NAME=VALUE",
        help="An option of the figure, such as days=90 (repeatable).",
    ),
]
_OutFolder = Annotated[
    Path, typer.Option("--out", metavar="FOLDER", readable=False, help="A new folder.")
]


@number.command(
    rich_help_panel=AROUND,
    epilog=example(
        "behind outcomes n_no_show --by host --every month --row host=user_3f9a… "
        "--row period_on=2025-03-01",
        "behind returns n_without_booking --option days=180 --format csv --out call.csv",
    ),
)
@opt.with_rows
def behind(
    figure: _FigureName,
    column: _Column,
    db: opt.Db = DB,
    wait: opt.WaitToRead = WAIT_TO_READ,
    by: opt.by() = None,  # type: ignore[valid-type]
    every: opt.EveryOption = None,
    row: _Row = None,
    option: _Options = None,
    cohort: Any = None,
    labels: opt.LabelsFile = None,
    form: opt.FormatOption = None,
    out: opt.Out = None,
    force: opt.Force = False,
) -> None:
    """The rows behind one number of a figure: as many as it says.

    Groups, period and window are those of the figure's own command.
    """
    to = target(form, out, force)
    store = open_store(db, out=out, labels=labels, wait=wait)
    visits = ask(store, **cohort)
    shown, label = _asked(visits, figure, by, every, row, option)
    show_rows(visits.behind(shown, label, column), to, "Rows", visits)


@number.command(
    rich_help_panel=AROUND,
    epilog=example(
        "evidence outcomes n_no_show --every month --row period_on=2025-03-01 --out proof"
    ),
)
@opt.with_rows
def evidence(
    figure: _FigureName,
    column: _Column,
    out: _OutFolder,
    db: opt.Db = DB,
    wait: opt.WaitToRead = WAIT_TO_READ,
    by: opt.by() = None,  # type: ignore[valid-type]
    every: opt.EveryOption = None,
    row: _Row = None,
    option: _Options = None,
    cohort: Any = None,
) -> None:
    """A folder that proves one number: its rows, the deliveries behind them, a script to check it.

    The folder is for those who may see ids of patients, and what slots show of them.
    """
    visits = ask(open_store(db, wait=wait), **cohort)
    shown, label = _asked(visits, figure, by, every, row, option)
    emit(f"{visits.evidence(shown, label, column, out)}\n")


def _asked(
    visits: Cohort,
    name: str,
    by: list[str] | None,
    every: opt.Every | None,
    row: list[str] | None,
    options: list[str] | None,
) -> tuple[pd.DataFrame, Any]:
    """The figure that is meant, and the label of the row that is."""
    names = {one.command: one for one in FIGURES.values()}
    figure = names[choice("figure", name.replace("_", "-"), names, UnknownGroup)]
    given: dict[str, Any] = {"by": by} if by else {}
    if every is not None:
        given["every"] = every.value
    declared = {one.name: one for one in figure.options}
    for text in options or []:
        key, value = pair(text, "--option", "NAME=VALUE")
        key = choice("option", key.replace("-", "_"), declared)
        read = _value(declared[key], value)
        given[key] = [*given.get(key, []), read] if declared[key].length != 1 else read
    if every is not None and not figure.has_periods:
        raise UsageError(f"--every: {figure.command} takes none")
    shown = getattr(visits, figure.name)(**given, min_count=0)
    return shown, row_label(shown, row or [])


def _value(option: Option, text: str) -> Any:
    """What an option of a figure is, from its text; the library checks the rest."""
    kinds = {Takes.WHOLE: int, Takes.NUMBER: float}
    if option.takes is Takes.FLAG:
        return {"true": True, "false": False}.get(text.lower(), text)
    try:
        return kinds[option.takes](text) if option.takes in kinds else text
    except ValueError:
        return text
