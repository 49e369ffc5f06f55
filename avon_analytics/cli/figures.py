"""The commands of the figures: each asks for a cohort, and shows one figure of it.

All are made from what the figures declare (``avon_analytics.figures``), by one function.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from inspect import Parameter
from types import GenericAlias
from typing import Annotated, Any

import typer

from avon_analytics.cli import options as opt
from avon_analytics.cli.helpers import (
    DB,
    OUT,
    WAIT_TO_READ,
    ask,
    example,
    open_store,
    show_figure,
)
from avon_analytics.cli.target import target
from avon_analytics.figures import FIGURES, Figure
from avon_analytics.figures.declared import Option, Takes

_TYPES: dict[Takes, type] = {
    Takes.WHOLE: int,
    Takes.NUMBER: float,
    Takes.DATE: str,
    Takes.CHOICE: str,  # the library checks it, and says which was probably meant
    Takes.TEXT: str,
    Takes.FLAG: bool,
}
RESULT: dict[str, tuple[str, Any, Any]] = {
    "form": ("form", opt.FormatOption, None),
    "out": ("out", opt.Out, None),
    "force": ("force", opt.Force, False),
}
"""The options that say where a result goes."""
_METAVARS = {Takes.WHOLE: "N", Takes.NUMBER: "NUMBER", Takes.DATE: "DATE", Takes.FLAG: ""}


def command(figure: Figure) -> Callable[..., None]:
    """The command of a figure: its options are those of the cohort, and its own."""

    def run(**given: Any) -> None:
        to = target(*(given.pop(name) for name in RESULT), draws=figure.chart is not None)
        db, labels, wait = (given.pop(name) for name in ("db", "labels", "wait"))
        store = open_store(db, out=to.out, labels=labels, wait=wait)
        cohort = ask(store, **{name: given.pop(name) for name in opt.COHORT if name != "labels"})
        arguments = {name: plain(value) for name, value in given.items() if value is not None}
        show_figure(getattr(cohort, figure.name)(**arguments), to, figure.title, figure.chart)

    return opt.shaped(run, _parameters(figure), figure.name, figure.question)


def _parameters(figure: Figure) -> Sequence[Parameter]:
    wanted: list[tuple[str, Any, Any]] = [
        ("db", opt.Db, DB),
        ("wait", opt.WaitToRead, WAIT_TO_READ),
    ]
    wanted.append(("by", opt.by(figure.groupings), None))
    if figure.has_periods:
        wanted.append(("every", opt.EveryOption, None))
    wanted += [(name, *of_cohort) for name, of_cohort in opt.COHORT.items()]
    wanted += [(one.name, annotation(one), _default(one)) for one in figure.options]
    wanted += RESULT.values()
    return [
        Parameter(
            name,
            Parameter.KEYWORD_ONLY,
            default=Parameter.empty if default is ... else default,
            annotation=annotation,
        )
        for name, annotation, default in wanted
    ]


def annotation(option: Option) -> Any:
    """A figure's own option, as typer has it."""
    value: Any = _TYPES[option.takes]
    if option.length == 0:
        value = GenericAlias(list, value)
    elif option.length > 1:
        value = GenericAlias(tuple, (value,) * option.length)
    declared = typer.Option(
        f"--{option.name.replace('_', '-')}",
        help=option.help,
        metavar=option.metavar or _METAVARS.get(option.takes, option.name.upper()),
        min=option.least,
        autocompletion=opt.offered(option.choices) if option.choices else None,
    )
    return Annotated[value if option.is_required else value | None, declared]


def _default(option: Option) -> Any:
    return ... if option.is_required else option.default


def plain(value: Any) -> Any:
    """What a typer option holds, as the library takes it."""
    if isinstance(value, list | tuple):
        return type(value)(map(plain, value))
    return value.value if isinstance(value, Enum) else value


figures = typer.Typer()
for _figure in FIGURES.values():
    figures.command(_figure.command, rich_help_panel=OUT, epilog=example(*_figure.examples))(
        command(_figure)
    )
