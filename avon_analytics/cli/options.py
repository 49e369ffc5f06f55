"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from avon_analytics.figures.words import NamedPeriodWord

NAMED_PERIODS: tuple[str, ...] = get_args(NamedPeriodWord)


class PolicyWord(StrEnum):
    """What happens to a line whose signature is not right."""

    require = "require"
    record = "record"
    skip = "skip"


class PrivacyWord(StrEnum):
    """What a store keeps."""

    full = "full"
    limited = "limited"


class Format(StrEnum):
    """How a table is written."""

    table = "table"
    json = "json"
    csv = "csv"
    parquet = "parquet"
    xlsx = "xlsx"
    svg = "svg"
    png = "png"


class Every(StrEnum):
    """Calendar periods."""

    day = "day"
    week = "week"
    month = "month"
    quarter = "quarter"
    year = "year"


class Section(StrEnum):
    """The questions that the quality of a store is made of."""

    coverage = "coverage"
    delivery_lag = "delivery_lag"
    repeats = "repeats"
    signatures = "signatures"
    first_events = "first_events"
    inferred_stages = "inferred_stages"
    unresolved = "unresolved"
    drift = "drift"
    custom_fields = "custom_fields"


class On(StrEnum):
    """The date that places a slot in a window and in a period."""

    start = "start"
    booked = "booked"


def _words(choices: Iterable[str]) -> str:
    *most, last = map(str, choices)
    return f"{', '.join(most)} or {last}"


def offered(choices: Sequence[str]) -> Callable[[str], list[str]]:
    """What Tab offers of the choices of an option."""

    def beginning(incomplete: str) -> list[str]:
        return [choice for choice in choices if choice.startswith(incomplete)]

    return beginning


def groupings(more: Sequence[str] = ()) -> Callable[[str], list[str]]:
    """What Tab offers behind --by: custom fields are a store's own, ``more`` one figure's."""

    def known(incomplete: str) -> list[str]:
        from avon_analytics.appointments.rows.groupings import GROUPINGS

        return [name for name in (*GROUPINGS, *more) if name.startswith(incomplete)]

    return known


def by(more: Sequence[str] = ()) -> Any:
    """The option --by; ``more`` are groupings of one figure alone."""
    option = typer.Option(
        "--by",
        metavar="GROUPING",
        autocompletion=groupings(more),
        help="Divide by host, weekday, … (repeatable).",
    )
    return Annotated[list[str] | None, option]


# What is wrong with a file is reported by whoever opens it: as bad input, not as wrong usage.
Db = Annotated[Path, typer.Option("--db", metavar="FILE", help="The store.", readable=False)]
SecretsFile = Annotated[
    Path | None,
    typer.Option(
        "--secrets-file",
        metavar="FILE",
        readable=False,
        help='TOML file with a line name = "secret" for each webhook secret. '
        "Without it, AVON_WEBHOOK_SECRET is read from the environment.",
    ),
]
PolicyOption = Annotated[
    PolicyWord,
    typer.Option(
        "--policy",
        metavar="POLICY",
        help="require: load verified lines, quarantine the rest. record: load all, noting how "
        "each stands. skip: check nothing.",
    ),
]
PrivacyOption = Annotated[
    PrivacyWord | None,
    typer.Option(
        "--privacy",
        help="limited: keep no identifiers of patients, no free text, nothing unknown; full: keep "
        "all. A store stays what its first load made it.",
    ),
]
Strict = Annotated[
    bool,
    typer.Option(
        "--strict",
        help="End with code 3 if any line was quarantined, or a file ends within a delivery.",
    ),
]
FormatOption = Annotated[
    Format | None,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="table, json, csv, parquet or xlsx; svg or png for the chart of a figure. Else as the "
        "ending of --out says, or table.",
    ),
]
Force = Annotated[
    bool,
    typer.Option(
        "--force", metavar="", help="Replace a file that is there already, whatever it is."
    ),
]
LineLimit = Annotated[
    int | None,
    typer.Option("--line-limit", metavar="BYTES", help="How long a line may be; 16 MiB.", min=1),
]
Recheck = Annotated[
    bool,
    typer.Option("--recheck", help="Look into files that seem unchanged, too."),
]
Partial = Annotated[
    bool,
    typer.Option("--partial", help="Of a damaged file, load what is before the damage."),
]
Profile = Annotated[
    bool, typer.Option("--profile", help="Print where the time went, on standard error.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the receipt as JSON.")]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="FILE",
        readable=False,
        help="Write to a file instead of standard output.",
    ),
]
EveryOption = Annotated[
    Every | None,
    typer.Option("--every", metavar="PERIOD", help=f"One row for each {_words(Every)}."),
]
Start = Annotated[
    str | None, typer.Option("--start", metavar="DATE", help="First local day of the window.")
]
End = Annotated[str | None, typer.Option("--end", metavar="DATE", help="The day after its last.")]
PeriodOption = Annotated[
    str | None,
    typer.Option(
        "--period",
        metavar="NAME",
        help=f"In place of both: {_words(NAMED_PERIODS)}.",
        autocompletion=offered(NAMED_PERIODS),
    ),
]
OnOption = Annotated[
    On,
    typer.Option("--on", metavar="DATE", help=f"The date that counts: {_words(On)}."),
]
AsOf = Annotated[
    str | None,
    typer.Option("--as-of", metavar="INSTANT", help="Only events up to then; default: the newest."),
]
Identifiers = Annotated[
    bool,
    typer.Option("--identifiers", help="Show names, contact data and free text of people, too."),
]
Where = Annotated[
    list[str] | None,
    typer.Option("--where", metavar="GROUPING=VALUE", help="Keep one group only (repeatable)."),
]
WaitToRead = Annotated[
    float,
    typer.Option(
        "--wait", metavar="SECONDS", help="How long to wait while another process writes the store."
    ),
]
Wait = Annotated[
    float,
    typer.Option(
        "--wait", metavar="SECONDS", help="How long to wait where another process holds the store."
    ),
]
MinCount = Annotated[
    int,
    typer.Option(
        "--min-count",
        metavar="N",
        min=0,
        help="Blank counts from 1 to just below N, and what would reveal them.",
    ),
]
LabelsFile = Annotated[
    Path | None,
    typer.Option(
        "--labels",
        metavar="FILE",
        readable=False,
        help="TOML file of what ids are called: a table for each of appointment_type, "
        'medical_center and custom, with lines id = "label".',
    ),
]
TimeZone = Annotated[
    str | None,
    typer.Option("--time-zone", metavar="ZONE", help="IANA zone where a visit reports none."),
]

COHORT: Mapping[str, tuple[Any, Any]] = {
    "start": (Start, None),
    "end": (End, None),
    "period": (PeriodOption, None),
    "on": (OnOption, On.start),
    "as_of": (AsOf, None),
    "where": (Where, None),
    "min_count": (MinCount, 0),
    "labels": (LabelsFile, None),
}
"""The options that describe a cohort, each with its type and default."""


def with_cohort(
    command: Callable[..., None], options: Mapping[str, tuple[Any, Any]] = COHORT
) -> Callable[..., None]:
    """A command whose parameter ``cohort`` stands for these options, which it gets by name."""

    def run(**given: Any) -> None:
        command(cohort={name: given.pop(name) for name in options}, **given)

    parameters = []
    for one in signature(command, eval_str=True).parameters.values():
        if one.name == "cohort":
            parameters += [
                Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
                for name, (annotation, default) in options.items()
            ]
        else:
            parameters.append(one.replace(kind=Parameter.KEYWORD_ONLY))
    return shaped(run, parameters, command.__name__, command.__doc__)


def with_rows(command: Callable[..., None]) -> Callable[..., None]:
    """The same for a command that shows rows, which are never blanked."""
    of_figures = ("min_count", "labels")
    return with_cohort(command, {name: COHORT[name] for name in COHORT if name not in of_figures})


def shaped(
    run: Callable[..., None], parameters: Sequence[Parameter], name: str, doc: str | None
) -> Callable[..., None]:
    """A function with all that typer looks at to make a command of it."""
    run.__name__, run.__doc__ = name, doc
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    run.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    return run
