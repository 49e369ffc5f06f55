"""The commands of the figures: each asks for a cohort, and shows one figure of it."""

from __future__ import annotations

from typing import Annotated

import typer

from avon_analytics.cli import options as opt
from avon_analytics.cli.helpers import DB, OUT, ask, example, open_store, show_figure

figures = typer.Typer()


@figures.command(
    rich_help_panel=OUT, epilog=example("outcomes --every month", "outcomes --by host --by weekday")
)
def outcomes(
    db: opt.Db = DB,
    by: opt.By = None,
    every: opt.EveryOption = None,
    start: opt.Start = None,
    end: opt.End = None,
    on: opt.OnOption = opt.On.start,
    as_of: opt.AsOf = None,
    where: opt.Where = None,
    min_count: opt.MinCount = 0,
    basis: Annotated[
        str, typer.Option(metavar="BASIS", help="What shares are divided by: completed or booked.")
    ] = "completed",
    form: opt.FormatOption = opt.Format.table,
    out: opt.Out = None,
) -> None:
    """What became of the slots: attended, no-show, cancelled, rescheduled, unresolved."""
    cohort = ask(open_store(db, out=out), start, end, on, as_of, where, min_count)
    frame = cohort.outcomes(by or (), every.value if every else None, basis=basis)
    show_figure(frame, form, out, "Outcomes")


@figures.command(
    rich_help_panel=OUT, epilog=example("funnel", "funnel --by appointment_type --unit slot")
)
def funnel(
    db: opt.Db = DB,
    by: opt.By = None,
    start: opt.Start = None,
    end: opt.End = None,
    on: opt.OnOption = opt.On.start,
    as_of: opt.AsOf = None,
    where: opt.Where = None,
    min_count: opt.MinCount = 0,
    unit: Annotated[
        str, typer.Option(metavar="UNIT", help="What is counted: appointment or slot.")
    ] = ("appointment"),
    form: opt.FormatOption = opt.Format.table,
    out: opt.Out = None,
) -> None:
    """How far appointments came: booked, started, completed, and where the others went."""
    cohort = ask(open_store(db, out=out), start, end, on, as_of, where, min_count)
    frame = cohort.funnel(by or (), unit=unit)
    show_figure(frame, form, out, "Funnel")


@figures.command(
    rich_help_panel=OUT,
    epilog=example("cancellations --by cancelled_by", "cancellations --every month"),
)
def cancellations(
    db: opt.Db = DB,
    by: opt.By = None,
    every: opt.EveryOption = None,
    start: opt.Start = None,
    end: opt.End = None,
    on: opt.OnOption = opt.On.start,
    as_of: opt.AsOf = None,
    where: opt.Where = None,
    min_count: opt.MinCount = 0,
    form: opt.FormatOption = opt.Format.table,
    out: opt.Out = None,
) -> None:
    """How many due slots were cancelled, by whom and how late."""
    cohort = ask(open_store(db, out=out), start, end, on, as_of, where, min_count)
    frame = cohort.cancellations(by or (), every.value if every else None)
    show_figure(frame, form, out, "Cancellations")


@figures.command(
    rich_help_panel=OUT, epilog=example("reschedules --every month", "reschedules --by host")
)
def reschedules(
    db: opt.Db = DB,
    by: opt.By = None,
    every: opt.EveryOption = None,
    start: opt.Start = None,
    end: opt.End = None,
    on: opt.OnOption = opt.On.start,
    as_of: opt.AsOf = None,
    where: opt.Where = None,
    min_count: opt.MinCount = 0,
    form: opt.FormatOption = opt.Format.table,
    out: opt.Out = None,
) -> None:
    """How many slots were moved to another start, which way, and with how much notice."""
    cohort = ask(open_store(db, out=out), start, end, on, as_of, where, min_count)
    frame = cohort.reschedules(by or (), every.value if every else None)
    show_figure(frame, form, out, "Reschedules")


@figures.command(
    "lead-times",
    rich_help_panel=OUT,
    epilog=example("lead-times --every month", "lead-times --by appointment_type"),
)
def lead_times(
    db: opt.Db = DB,
    by: opt.By = None,
    every: opt.EveryOption = None,
    start: opt.Start = None,
    end: opt.End = None,
    on: opt.OnOption = opt.On.start,
    as_of: opt.AsOf = None,
    where: opt.Where = None,
    min_count: opt.MinCount = 0,
    form: opt.FormatOption = opt.Format.table,
    out: opt.Out = None,
) -> None:
    """How many days ahead appointments were booked, by when they were booked."""
    cohort = ask(open_store(db, out=out), start, end, on, as_of, where, min_count)
    frame = cohort.lead_times(by or (), every.value if every else None)
    show_figure(frame, form, out, "Lead times")


@figures.command(rich_help_panel=OUT, epilog=example("rebooking", "rebooking --by host --days 14"))
def rebooking(
    db: opt.Db = DB,
    by: opt.By = None,
    start: opt.Start = None,
    end: opt.End = None,
    on: opt.OnOption = opt.On.start,
    as_of: opt.AsOf = None,
    where: opt.Where = None,
    min_count: opt.MinCount = 0,
    days: Annotated[int, typer.Option(help="For how many days a patient is followed.", min=1)] = 30,
    form: opt.FormatOption = opt.Format.table,
    out: opt.Out = None,
) -> None:
    """Whether patients came back after a cancellation or a no-show."""
    cohort = ask(open_store(db, out=out), start, end, on, as_of, where, min_count)
    frame = cohort.rebooking(by or (), days=days)
    show_figure(frame, form, out, "Rebooking")


@figures.command(
    rich_help_panel=OUT, epilog=example("incidence --format csv", "incidence --by self_booked")
)
def incidence(
    db: opt.Db = DB,
    by: opt.By = None,
    start: opt.Start = None,
    end: opt.End = None,
    on: opt.OnOption = opt.On.start,
    as_of: opt.AsOf = None,
    where: opt.Where = None,
    min_count: opt.MinCount = 0,
    form: opt.FormatOption = opt.Format.table,
    out: opt.Out = None,
) -> None:
    """By which day since the booking slots had ended, and how (Aalen-Johansen)."""
    cohort = ask(open_store(db, out=out), start, end, on, as_of, where, min_count)
    frame = cohort.incidence(by or ())
    show_figure(frame, form, out, "Incidence")


@figures.command(
    rich_help_panel=OUT,
    epilog=example("punctuality --by host", "punctuality --by hour --every quarter"),
)
def punctuality(
    db: opt.Db = DB,
    by: opt.By = None,
    every: opt.EveryOption = None,
    start: opt.Start = None,
    end: opt.End = None,
    on: opt.OnOption = opt.On.start,
    as_of: opt.AsOf = None,
    where: opt.Where = None,
    min_count: opt.MinCount = 0,
    form: opt.FormatOption = opt.Format.table,
    out: opt.Out = None,
) -> None:
    """How late attended slots began, and how far they ran over."""
    cohort = ask(open_store(db, out=out), start, end, on, as_of, where, min_count)
    frame = cohort.punctuality(by or (), every.value if every else None)
    show_figure(frame, form, out, "Punctuality")
