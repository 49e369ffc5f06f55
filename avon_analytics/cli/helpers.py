"""What every group of commands needs: its examples in the help, the store, a cohort of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from avon_analytics.cli import options as opt
from avon_analytics.cli.output import (
    emit,
    emit_lines,
    receipt_json,
    show,
    show_chart,
    terminal_width,
)
from avon_analytics.cli.target import CHARTS, Target
from avon_analytics.errors import UsageError
from avon_analytics.figures.names import NAMED
from avon_analytics.printable import say
from avon_analytics.whole_file import refuse_to_replace

if TYPE_CHECKING:
    import pandas as pd

    from avon_analytics.api import Store
    from avon_analytics.explorer.cohort import Cohort
    from avon_analytics.intake.write.receipt import Receipt

DB = Path("avon.duckdb")
QUARANTINED = 3
WAIT_TO_READ = 10.0
IN, OUT, AROUND = "An archive goes in", "Figures come out", "Looking around"
GONE = "A person goes out"


def example(*lines: str) -> str:
    """The examples below a command's help, each on a line that can be copied."""
    word = "Example" if len(lines) == 1 else "Examples"
    return "\n".join([f"{word}:", *(f"  avon-analytics {line}" for line in lines)])


def open_store(
    db: Path,
    time_zone: str | None = None,
    *,
    out: Path | None = None,
    labels: Path | None = None,
    wait: float = WAIT_TO_READ,
) -> Store:
    """The store; the engine is imported only now.

    Raises UsageError where the result would replace the store or a file of its archive.
    """
    from avon_analytics.api import open as open_store

    store = open_store(db, time_zone=time_zone, labels=labels, wait=wait)
    if out is not None and os.path.exists(out):
        archive = store.table("archive_files")["file"] if os.path.exists(db) else ()
        refuse_to_replace(out, [db, *archive])
    return store


def keep_inputs(out: Path | None, paths: list[str] | None, *files: Path | None) -> None:
    """Raises UsageError where a result would replace an archive file or another input."""
    if out is None or not paths:
        return
    from avon_analytics.intake.archive.files import find_files
    from avon_analytics.intake.archive.masking import is_url

    local = [path for path in paths if not is_url(path)]
    archive = [file.path for file in find_files(local).files] if os.path.exists(out) else []
    refuse_to_replace(out, [*archive, *(file for file in files if file is not None)])


def ask(
    store: Store,
    *,
    on: opt.On,
    period: str | None,
    where: list[str] | None,
    **given: Any,
) -> Cohort:
    """The cohort that the options of a command describe: ``options.COHORT`` but labels."""
    return store.appointments(period=period, on=on.value, where=conditions(store, where), **given)


def conditions(
    store: Store, given: list[str] | None, option: str = "--where"
) -> dict[str, list[Any]]:
    """What ``--where`` says: the values that each grouping may have, None for a missing one."""
    wanted: dict[str, list[Any]] = {}
    for condition in given or []:
        if "=" not in condition:
            raise UsageError(
                f"{option} {condition!r}: expected GROUPING=VALUE, such as host=user_1"
            )
        name = _grouping(store, condition)
        wanted.setdefault(name, []).append(condition[len(name) + 1 :] or None)
    return wanted


def _grouping(store: Store, condition: str) -> str:
    """What stands before the ``=``. The key of a custom field may hold one, too: the longest is
    meant of those that the condition can begin with.
    """
    name, _, value = condition.partition("=")
    if not name.startswith("custom:") or "=" not in value:
        return name
    from avon_analytics.appointments.slots.queries import sql

    known = (f"custom:{key}" for key in store.sql(sql("custom_keys"))["key"])
    return max((one for one in known if condition.startswith(f"{one}=")), key=len, default=name)


NO_EVENTS = (
    "the store holds no events yet, so there is nothing to count: load an archive with "
    "avon-analytics load PATH, or run the load again that was interrupted or that loaded no line"
)


def show_figure(
    frame: pd.DataFrame, to: Target, title: str, chart: str | None = None, note: str = ""
) -> None:
    """Write a figure, and say as of when it is where it is a table for the eye.

    chart: the function of ``avon_analytics.plot`` that draws it.
    note: lines that stand below a table for the eye.
    """
    if "as_of" in frame.attrs and frame.attrs["as_of"] is None:
        say(f"avon-analytics: {NO_EVENTS}")
    if to.form in CHARTS and chart is not None:
        from avon_analytics.report import plot

        show_chart(getattr(plot, chart)(frame), to)
        return
    from avon_analytics.report.tables.titles import title_of
    from avon_analytics.report.words.dates import utc

    show(frame, to, title=title_of(frame) if "figure" in frame.attrs else title)
    if note:
        emit_lines(note)
    if to.form is opt.Format.table and frame.attrs.get("as_of"):
        say(f"as of {utc(frame.attrs['as_of'])}")


_MAIN = (
    *("start_at", "outcome", "evidence", "hours", "written_at", "answered_at", "host"),
    *("patient_id", "n_slots", "first_start_at", "last_start_at", "appointment_id", "slot"),
    "message_id",
)
"""The columns of rows that a table for the eye has; other formats have all."""
_FROM_WIDTH = {"evidence": 86, "host": 112, "patient_id": 150, "slot": 150}
"""How wide a terminal must be to show these beside an appointment's whole id."""


def show_rows(rows: pd.DataFrame, to: Target, title: str, visits: Cohort) -> None:
    """Write rows behind figures: for the eye the main columns of whatever they are rows of.

    There instants are local, and hosts have their names. In a workbook names follow the ids.
    """
    note = ""
    if to.form is opt.Format.xlsx:
        rows = _with_names(rows, visits)
    if to.form is opt.Format.table:
        width = terminal_width()
        kept = [name for name in _MAIN if name in rows]
        if "appointment_id" in rows:
            kept = [name for name in kept if _FROM_WIDTH.get(name, 0) <= width]
        note = _not_shown(rows, kept)
        zones = rows.get("time_zone")
        rows = rows[kept].copy()
        for name in rows.select_dtypes("datetimetz"):
            rows[name] = _local(rows[name], zones)
        for name in {"outcome", "evidence"} & set(rows):
            rows[name] = rows[name].str.replace("_", "-" if name == "outcome" else " ")
        if "host" in rows and visits.as_of is not None:
            rows["host"] = rows["host"].map(visits._staff_names()).fillna(rows["host"])
    show_figure(rows, to, title, note=note)


def _not_shown(rows: pd.DataFrame, kept: list[str]) -> str:
    """What a table for the eye leaves out: what a wider terminal has, and how many columns more."""
    from avon_analytics.report.words.headings import heading
    from avon_analytics.report.words.numbers import plural

    wider = [name for name in _MAIN if name in rows and name not in kept]
    notes = [f"Not shown for lack of width: {'; '.join(map(heading, wider))}"] if wider else []
    n_further = len(rows.columns) - len(kept) - len(wider)
    if n_further:
        notes.append(f"{plural(n_further, 'more column')} with --format csv or json")
    return "\n".join(notes)


def _with_names(rows: pd.DataFrame, visits: Cohort) -> pd.DataFrame:
    """The rows with what ids are called, for each kind of id that has a name at all."""
    from avon_analytics.appointments.rows.names import names_of, with_names

    if visits.as_of is None:
        return rows
    kinds = [name for name in NAMED if name in rows]
    names = names_of(visits._staff_names, visits._labels, kinds)
    named = with_names(rows, {name: known for name, known in names.items() if known})
    named.attrs = rows.attrs
    return named


def _local(instants: pd.Series, zones: pd.Series | None) -> pd.Series:
    """Instants as text in the zone of their visit, else in UTC; each says in which."""
    texts: pd.Series = instants.dt.strftime("%Y-%m-%d %H:%M UTC").astype("str")
    if zones is not None:
        for zone, part in instants.groupby(zones):
            local = part.dt.tz_convert(str(zone))
            texts.loc[part.index] = local.dt.strftime("%Y-%m-%d %H:%M %Z").astype("str")
    return texts


def warn(receipt: Receipt) -> None:
    """Say before all else that nothing was trusted."""
    if receipt.warning:
        say(f"avon-analytics: {receipt.warning}")


def receipt_text(receipt: Receipt) -> str:
    """A receipt without its warning, which was said before."""
    return str(receipt).removeprefix(f"{receipt.warning}\n")


def show_receipt(receipt: Receipt, *, as_json: bool) -> None:
    """Print a receipt; its warning goes where errors go, once and before it."""
    warn(receipt)
    if as_json:
        emit(receipt_json(receipt.as_dict()))
    else:
        emit_lines(receipt_text(receipt))


def exit_after(receipt: Receipt, strict: bool) -> None:
    """End with code 3 where nothing was trusted or, under ``strict``, anything is amiss."""
    # That a line of a forgotten person does not load is what was asked for.
    amiss = receipt.quarantined - receipt.quarantined_by_code.get("forgotten", 0)
    amiss += len(receipt.pending)
    if receipt.nothing_trusted or (strict and amiss):
        raise typer.Exit(QUARANTINED)
