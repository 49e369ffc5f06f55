"""The commands ``quarantine …``: what did not load and why, and trying it again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from avon_analytics.cli import options as opt
from avon_analytics.cli.groups import PlainGroup
from avon_analytics.cli.helpers import DB, WAIT_TO_READ, example, open_store
from avon_analytics.cli.output import (
    copy_out,
    emit,
    emit_lines,
    json_text,
    receipt_json,
    records,
    show,
)
from avon_analytics.cli.target import refuse_what_is_not_ours, target
from avon_analytics.display import aligned
from avon_analytics.errors import InputError, UsageError
from avon_analytics.intake.read.codes import meaning
from avon_analytics.printable import counted, printable, say

quarantine = typer.Typer(
    name="quarantine", cls=PlainGroup, help="What did not load, and why.", no_args_is_help=True
)

Code = Annotated[
    list[str] | None,
    typer.Option("--code", metavar="CODE", help="Only lines with this code (repeatable)."),
]
File = Annotated[
    str | None,
    typer.Option("--file", metavar="FILE", help="Only lines of this file; its name is enough."),
]


@quarantine.command("list", epilog=example("quarantine list", "quarantine list --format json"))
def quarantine_list(
    db: opt.Db = DB,
    wait: opt.WaitToRead = WAIT_TO_READ,
    code: Code = None,
    file: File = None,
    form: opt.FormatOption = None,
    out: opt.Out = None,
    force: opt.Force = False,
) -> None:
    """Each line that did not load: where it stands, why, and the likely cause.

    A table for the eye says in words what a code means where no likelier cause is known.
    """
    to = target(form, out, force)
    found = open_store(db, out=out, wait=wait).quarantine.lines(code=code, file=file)
    if to.form is opt.Format.table:
        found = found[["file", "line", "code", "cause"]]
        found = found.assign(cause=found["cause"].fillna(found["code"].map(meaning)))
    show(found, to, title="Quarantine")


@quarantine.command(
    "show", epilog=example("quarantine show exports/2025-03.jsonl 17", "quarantine show a.jsonl 2")
)
def quarantine_show(
    file: Annotated[str, typer.Argument(metavar="FILE", help="The file; its name is enough.")],
    line: Annotated[int, typer.Argument(metavar="LINE", help="The line, from 1.", min=1)],
    db: opt.Db = DB,
    wait: opt.WaitToRead = WAIT_TO_READ,
    identifiers: Annotated[
        bool,
        typer.Option("--identifiers", help="Show the line itself, too: it is raw."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """One line that did not load: its place, every error and the likely cause, no value of it."""
    from avon_analytics.report.words.headings import heading
    from avon_analytics.report.words.numbers import MISSING

    store = open_store(db, wait=wait)
    found = records(store.quarantine.lines(file=file, line=line, identifiers=identifiers))
    if not found:
        raise UsageError(f"line {line} of {file} is not in quarantine")
    lines = [{**one, "errors": json.loads(one["errors"])} for one in found]
    if as_json:
        emit(json_text(lines))
        return
    for one in lines:
        errors = one.pop("errors")
        content = one.pop("content", None)
        one["cause"] = one["cause"] or meaning(one["code"])
        facts = {name: MISSING if value is None else str(value) for name, value in one.items()}
        rows = aligned([(heading(name), fact) for name, fact in facts.items()])
        rows += ["", "Errors", *(f"  {printable(_error_line(error))}" for error in errors)]
        emit_lines("\n".join(rows))
        if identifiers:
            emit("\nThe line\n" + ("(not kept)" if content is None else content) + "\n")


def _error_line(error: dict[str, str]) -> str:
    where = f"{error['path']}: " if error["path"] else ""
    return f"{error['code']}  {where}{error['expected']}"


@contextmanager
def _folder() -> Iterator[str]:
    """A folder for a while. Raises InputError where the system has none."""
    from tempfile import TemporaryDirectory

    try:
        with TemporaryDirectory() as folder:
            yield folder
    except OSError as error:
        reason = error.strerror or "the system refused"
        raise InputError(f"lines are collected in a file first, which failed: {reason}") from None


@quarantine.command(
    "export", epilog=example("quarantine export --code signature_mismatch --out mismatch.jsonl")
)
def quarantine_export(
    db: opt.Db = DB,
    wait: opt.WaitToRead = WAIT_TO_READ,
    code: Code = None,
    file: File = None,
    out: opt.Out = None,
    force: opt.Force = False,
) -> None:
    """The lines as they were archived, as JSON lines that load again. Raw: nothing is hidden."""
    store = open_store(db, wait=wait)
    if out is not None:
        if not force:
            refuse_what_is_not_ours(out)
        done = store.quarantine.export(out, code=code, file=file)
        say(f"wrote {counted(done.lines, 'line')} to {out}")
    else:
        with _folder() as folder:
            part = Path(folder, "quarantine.jsonl")
            done = store.quarantine.export(part, code=code, file=file)
            copy_out(part)
    if done.missing:
        say(
            f"avon-analytics: {counted(done.missing, 'line is', 'lines are')} missing: the store "
            "does not keep them, and they no longer stand in the archive as they stood"
        )


@quarantine.command("replay", epilog=example("quarantine replay --secrets-file secrets.toml"))
def quarantine_replay(
    db: opt.Db = DB,
    wait: opt.WaitToRead = WAIT_TO_READ,
    secrets_file: opt.SecretsFile = None,
    policy: opt.PolicyOption = opt.PolicyWord.require,
    code: Code = None,
    file: File = None,
    line_limit: opt.LineLimit = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
) -> None:
    """Try lines again, and move what loads now: a secret was added, or the contract was widened."""
    from avon_analytics.intake.archive.lines import LINE_LIMIT

    done = open_store(db, wait=wait).quarantine.replay(
        secrets=secrets_file,
        policy=policy.value,
        code=code,
        file=file,
        line_limit=LINE_LIMIT if line_limit is None else line_limit,
    )
    if as_json:
        emit(receipt_json(done.as_dict()))
    else:
        emit_lines(str(done))
