"""The commands that show what stands behind the figures: rows, one appointment's story, quality."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from avon_analytics.cli import options as opt
from avon_analytics.cli.helpers import (
    AROUND,
    DB,
    WAIT_TO_READ,
    ask,
    conditions,
    example,
    open_store,
    show_rows,
)
from avon_analytics.cli.output import harmless, show, show_text, terminal_width, wrapped
from avon_analytics.cli.target import target
from avon_analytics.printable import say

evidence = typer.Typer()


@evidence.command(
    rich_help_panel=AROUND,
    epilog=example(
        "slots --where outcome=no_show --period last-month",
        "slots --where host=user_3f9a… --format csv --out slots.csv",
    ),
)
@opt.with_rows
def slots(
    db: opt.Db = DB,
    wait: opt.WaitToRead = WAIT_TO_READ,
    cohort: Any = None,
    labels: opt.LabelsFile = None,
    form: opt.FormatOption = None,
    out: opt.Out = None,
    force: opt.Force = False,
) -> None:
    """The rows behind the figures: each patient at each planned start, and what became of it.

    --where takes outcome, cancelled_by, notice_band and reason as well.

    A table for the eye has the main columns; csv, json, parquet and xlsx have all.

    xlsx is in words, with local starts, and with the names of hosts and of what --labels names.
    """
    from avon_analytics.appointments.rows.groupings import OF_SLOTS

    to = target(form, out, force)
    store = open_store(db, out=out, labels=labels, wait=wait)
    given = cohort.pop("where") or []
    of_slots = [one for one in given if one.partition("=")[0] in OF_SLOTS]
    of_cohort = [one for one in given if one not in of_slots]
    visits = ask(store, where=of_cohort, **cohort)
    show_rows(visits.slots(conditions(store, of_slots)), to, "Slots", visits)


@evidence.command(
    rich_help_panel=AROUND,
    epilog=example(
        "explain appt_0123456789abcdef0123456789abcdef",
        "explain 0123456789abcdef0123456789abcdef --as-of 2025-03-31 --format csv",
    ),
)
def explain(
    appointment_id: Annotated[
        str, typer.Argument(metavar="APPOINTMENT_ID", help="With or without its prefix appt_.")
    ],
    db: opt.Db = DB,
    wait: opt.WaitToRead = WAIT_TO_READ,
    as_of: opt.AsOf = None,
    identifiers: opt.Identifiers = False,
    form: opt.FormatOption = None,
    out: opt.Out = None,
    force: opt.Force = False,
) -> None:
    """One appointment's story: each event, where it stands, and why it ended as it did."""
    to = target(form, out, force)
    store = open_store(db, out=out, wait=wait)
    found = store.explain(appointment_id, as_of=as_of, identifiers=identifiers)
    if to.form is opt.Format.table:
        from avon_analytics.report.terminal.explanation import story
        from avon_analytics.report.words.dates import utc

        show_text(story(harmless(found), width=terminal_width()), to)
        say(f"as of {utc(found.attrs['as_of'])}")
    else:
        show(found, to, title="Story")


@evidence.command(
    rich_help_panel=AROUND, epilog=example("quality", "quality --section coverage --format csv")
)
def quality(
    db: opt.Db = DB,
    wait: opt.WaitToRead = WAIT_TO_READ,
    as_of: opt.AsOf = None,
    section: Annotated[
        opt.Section | None, typer.Option("--section", help="One question in full, as a table.")
    ] = None,
    form: opt.FormatOption = None,
    out: opt.Out = None,
    force: opt.Force = False,
) -> None:
    """How far a store can be trusted: gaps, lag, repeats, signatures, what was only inferred."""
    to = target(form, out, force)
    found = open_store(db, out=out, wait=wait).quality(as_of=as_of)
    if section is not None:
        from avon_analytics.report.page.provenance import drift_in_words

        full = getattr(found, section.value)
        is_read = to.form is opt.Format.table and section.value == "drift"
        title = section.value.replace("_", " ").capitalize()
        show(drift_in_words(full) if is_read else full, to, title=title)
    elif to.form is opt.Format.table:
        show_text(f"{wrapped(str(found), terminal_width())}\n", to)
    else:
        show(found.summary, to, title="Quality")
