"""The commands. Each is a few lines: read the options, call the library, show what came back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from avon_analytics.cli import options as opt
from avon_analytics.cli.compare import compare
from avon_analytics.cli.evidence import evidence
from avon_analytics.cli.figures import figures
from avon_analytics.cli.forget import forget
from avon_analytics.cli.groups import Commands
from avon_analytics.cli.helpers import (
    AROUND,
    DB,
    GONE,
    IN,
    NO_EVENTS,
    OUT,
    QUARANTINED,
    WAIT_TO_READ,
    exit_after,
    keep_inputs,
    receipt_text,
    show_receipt,
    warn,
)
from avon_analytics.cli.helpers import ask as _cohort
from avon_analytics.cli.helpers import example as _example
from avon_analytics.cli.helpers import open_store as _open
from avon_analytics.cli.helpers import show_figure as _show
from avon_analytics.cli.number import number
from avon_analytics.cli.output import emit, show, show_table, terminal_width
from avon_analytics.cli.quarantine import quarantine
from avon_analytics.cli.receive import receive
from avon_analytics.cli.spark import spark
from avon_analytics.cli.target import target, to_page
from avon_analytics.errors import NothingTrusted, UsageError
from avon_analytics.printable import counted, printable, say

app = typer.Typer(
    name="avon-analytics",
    cls=Commands,
    help="Defensible appointment figures from an archive of Avon Health webhook deliveries.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(quarantine, rich_help_panel=AROUND)
app.add_typer(evidence)
app.add_typer(number)
app.add_typer(spark, rich_help_panel=IN)


def _version(wanted: bool) -> None:
    if wanted:
        from avon_analytics.version import VERSION

        emit(f"avon-analytics {VERSION}\n")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    pass


# -- an archive goes in -----------------------------------------------------------------------


@app.command(
    rich_help_panel=IN,
    epilog=_example("load archive/ --secrets-file secrets.toml", "load exports/2025-*.jsonl.gz"),
)
def load(
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH", help="Files, folders, globs and URLs.")
    ],
    db: opt.Db = DB,
    secrets_file: opt.SecretsFile = None,
    policy: opt.PolicyOption = opt.PolicyWord.require,
    privacy: opt.PrivacyOption = None,
    strict: opt.Strict = False,
    line_limit: opt.LineLimit = None,
    recheck: opt.Recheck = False,
    allow_truncated: opt.Partial = False,
    wait: opt.Wait = 60.0,
    time_zone: opt.TimeZone = None,
    profile: opt.Profile = False,
    as_json: opt.AsJson = False,
) -> None:
    """Load an archive into a store, and print where every line ended.

    Loading again changes nothing; a file is loaded whole or not at all.
    """
    from avon_analytics.intake.archive.lines import LINE_LIMIT

    store = _open(db, time_zone, wait=wait)
    receipt = store.load(
        paths,
        secrets=secrets_file,
        policy=policy.value,
        privacy=privacy.value if privacy else None,
        line_limit=LINE_LIMIT if line_limit is None else line_limit,
        recheck=recheck,
        allow_truncated=allow_truncated,
        wait=wait,
    )
    show_receipt(receipt, as_json=as_json)
    if profile:
        say(str(receipt.clock))
    exit_after(receipt, strict)


@app.command(rich_help_panel=IN, epilog=_example("verify archive/ --secrets-file secrets.toml"))
def verify(
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH", help="Files, folders, globs and URLs.")
    ],
    secrets_file: opt.SecretsFile = None,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="End with code 3 unless all is verified."),
    ] = False,
    form: opt.FormatOption = None,
    out: opt.Out = None,
    force: opt.Force = False,
) -> None:
    """Check the signatures of an archive without a store; nothing is written."""
    from avon_analytics.intake.read.codes import meaning
    from avon_analytics.intake.read.verify import WORDS, verify_archive
    from avon_analytics.intake.write.known_files import pending_note

    to = target(form, out, force)
    keep_inputs(out, paths, secrets_file)
    found = verify_archive(paths, secrets_file)
    lines, verified = int(found["n_lines"].sum()), int(found["verified"].sum())
    if to.form is opt.Format.table:
        title = f"Signatures: {verified:,} of {counted(lines, 'line')} verified"
        show(found.drop(columns="pending_bytes"), to, title=title)
    else:
        show(found, to, title="Signatures")
    for word in WORDS[1:]:
        if n := int(found[word].sum()):
            say(f"{n:,} {word}: {meaning(word)}")
    for path, note in found.attrs["notes"].items():
        say(printable(f"{path}: {note}"))
    for path, n in zip(found["file"], found["pending_bytes"], strict=True):
        if n:
            say(printable(f"{path}: {pending_note(n)}"))
    if lines and not verified:
        raise NothingTrusted(
            f"not one of {counted(lines, 'line')} is verified "
            f"(tried: {', '.join(found.attrs['secrets'])}): is it the right webhook secret?"
        )
    if strict and (verified < lines or found["pending_bytes"].any()):
        raise typer.Exit(QUARANTINED)


app.command(
    rich_help_panel=IN,
    epilog=_example(
        "receive --archive archive --secrets-file secrets.toml",
        "receive --archive archive --load avon.duckdb --every 5m",
        "receive --archive archive --self-test",
    ),
)(receive)

# -- figures come out -------------------------------------------------------------------------


@app.command(
    rich_help_panel=OUT,
    epilog=_example(
        "report archive/ --secrets-file secrets.toml --out report.html",
        'report --by host --every quarter --title "North clinic"',
    ),
)
@opt.with_cohort
def report(
    paths: Annotated[
        list[str] | None, typer.Argument(metavar="PATH", help="An archive to load first.")
    ] = None,
    db: opt.Db = DB,
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE.html", readable=False, help="The page.")
    ] = Path("report.html"),
    force: opt.Force = False,
    secrets_file: opt.SecretsFile = None,
    policy: opt.PolicyOption = opt.PolicyWord.require,
    strict: opt.Strict = False,
    title: Annotated[str, typer.Option("--title", metavar="TEXT", help="Heading of the page.")] = (
        "Outcome report"
    ),
    by: Annotated[
        str | None,
        typer.Option(
            "--by",
            metavar="GROUPING",
            autocompletion=opt.groupings(),
            help="Add a section by host, …",
        ),
    ] = None,
    every: Annotated[
        opt.Every,
        typer.Option(
            "--every", metavar="PERIOD", help="Periods: day, week, month, quarter or year."
        ),
    ] = opt.Every.month,
    brief: Annotated[
        bool, typer.Option("--brief", help="One sheet of paper: the summary and what changed.")
    ] = False,
    cohort: Any = None,
    wait: opt.Wait = 60.0,
    time_zone: opt.TimeZone = None,
) -> None:
    """Load what is given, print the outcomes by period, and write the report.

    The report is one HTML file that needs nothing else.
    Beside it stands the list of the archive's files with their digests.
    """
    from avon_analytics.report.terminal.outcomes import outcome_summary_table

    to_page(out, force)
    keep_inputs(out, paths, secrets_file, db)
    store = _open(db, time_zone, out=out, labels=cohort.pop("labels"), wait=wait)
    receipt = None
    if paths:
        receipt = store.load(paths, secrets=secrets_file, policy=policy.value, wait=wait)
        warn(receipt)
        say(receipt_text(receipt))
        say("")
    visits = _cohort(store, **cohort)
    if visits.as_of is None:
        say(f"avon-analytics: {NO_EVENTS}")
    by_period = visits.outcomes(every=every.value)
    written = store.report(out, title=title, by=by, every=every.value, brief=brief, cohort=visits)
    show_table(outcome_summary_table(by_period, width=terminal_width()))
    say(f"\nThe report is in {printable(str(written.resolve()))}")
    if receipt is not None:
        exit_after(receipt, strict)


# With the other commands of this section, in the order of the help.
app.registered_commands += figures.registered_commands + compare.registered_commands

# -- looking around ---------------------------------------------------------------------------


@app.command(rich_help_panel=AROUND, epilog=_example("tables"))
def tables(
    db: opt.Db = DB,
    wait: opt.WaitToRead = WAIT_TO_READ,
    form: opt.FormatOption = None,
    out: opt.Out = None,
    force: opt.Force = False,
) -> None:
    """The tables of a store: what each holds, and how many rows."""
    to = target(form, out, force)
    _show(_open(db, out=out, wait=wait).tables(), to, "Tables")


@app.command(
    rich_help_panel=AROUND,
    epilog=_example('sql "SELECT event, count(*) AS n FROM events GROUP BY event" --format csv'),
)
def sql(
    query: Annotated[str, typer.Argument(metavar="QUERY", help="One SQL query.")],
    db: opt.Db = DB,
    wait: opt.WaitToRead = WAIT_TO_READ,
    form: opt.FormatOption = None,
    out: opt.Out = None,
    force: opt.Force = False,
) -> None:
    """The answer to an SQL query. The store is read-only; identifiers are not hidden."""
    to = target(form, out, force)
    show(_open(db, out=out, wait=wait).sql(query), to, as_is=True)


app.command(rich_help_panel=GONE, epilog=_example("forget user_3f9a…", "forget 3f9a… --json"))(
    forget
)


@app.command(rich_help_panel=IN, epilog=_example("sample clinic/ --appointments 500"))
def sample(
    out: Annotated[
        Path, typer.Argument(metavar="OUT", readable=False, help="An empty folder, or a new one.")
    ],
    appointments: Annotated[
        int, typer.Option(metavar="N", help="How many appointments.", min=1)
    ] = 2000,
    seed: Annotated[
        int, typer.Option(metavar="N", help="The same seed gives the same bytes.")
    ] = 20260101,
) -> None:
    """Write a synthetic clinic's signed archive, with its secrets and its truth."""
    from avon_analytics.samples import write_sample

    try:
        written = write_sample(out, n_appointments=appointments, seed=seed)
    except OSError as error:
        reason = error.strerror or "the system refused"
        raise UsageError(f"cannot write the sample to {out}: {reason}") from None
    visits = counted(written.n_appointments, "appointment")
    files, lines = counted(written.n_files, "file"), counted(written.n_lines, "line")
    emit(
        f"{written.root}: {visits} of a clinic that does not exist\n"
        f"archive  {written.archive}: {files}, {lines}\n"
        f"secrets  {written.secrets_file}\n"
        f"truth    {written.truth_file}, as of {written.as_of:%Y-%m-%d %H:%M} UTC\n"
    )
