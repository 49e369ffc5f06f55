"""Each command: what it prints to which output, in which format, and how it ends."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.main import get_command

import avon_analytics as avon
from avon_analytics.cli.app import app
from avon_analytics.cli.groups import called
from avon_analytics.cli.output import emit
from avon_analytics.intake.write.clock import WORKS

FIGURES = (
    *("outcomes", "funnel", "cancellations", "reschedules"),
    *("lead-times", "rebooking", "incidence", "punctuality"),
)


@cache
def all_commands() -> Any:
    return get_command(app)


def commands(command: Any = None, words: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every command by its words, such as ``("quarantine", "list")``."""
    command = command or all_commands()
    inner = getattr(command, "commands", None)
    if inner is None:
        return [words]
    return [found for name, one in inner.items() for found in commands(one, (*words, name))]


# As a user starts it


def test_a_load_in_a_new_process(fresh: Any, tiny: Any, tmp_path: Path) -> None:
    told = fresh("load", tiny.archive, "--secrets-file", tiny.secrets)
    assert (told.code, told.out) == (0, f"{tiny.receipt}\n")
    assert told.err.count("\n") <= 1, "one line of progress at most"
    assert [path.name for path in tmp_path.iterdir()] == ["avon.duckdb"]


def test_a_report_of_an_archive_loads_it_first(run: Any, tiny: Any) -> None:
    archive = tiny.archive / "2025" / "q4"
    told = run("report", archive, "--secrets-file", tiny.secrets, "--strict", "--as-of", "soon")
    assert told.code == 2
    assert "loaded" in told.err, "the receipt is beside the result, not in it"
    assert "loaded" not in told.out
    assert (run.folder / "avon.duckdb").is_file()


# load


def test_load_prints_a_receipt_as_json(run: Any, tiny: Any) -> None:
    told = run("load", tiny.archive, "--secrets-file", tiny.secrets, "--json")
    assert told.code == 0
    receipt = told.json()
    assert receipt == tiny.receipt.as_dict()
    for one in (receipt, *receipt["files"]):
        parts = ("blank", "loaded", "duplicate", "quarantined")
        assert one["lines"] == sum(one[part] for part in parts)
    again = run("load", tiny.archive, "--secrets-file", tiny.secrets, "--json")
    assert (again.code, again.json()["lines"]) == (0, 0)
    assert again.json()["files_unchanged"] == len(receipt["files"])
    log = (told.out + again.out).splitlines()
    assert [json.loads(line) for line in log] == [receipt, again.json()]


def test_a_receipt_as_json_is_for_the_eye_on_a_terminal(run: Any, tiny: Any) -> None:
    screen, terminal = pty.openpty()
    load = ("load", tiny.archive, "--secrets-file", tiny.secrets)
    run(*load)
    told = run(*load, "--json", stdout=os.ttyname(terminal))  # nothing new: it fits the terminal
    shown = os.read(screen, 1 << 16).decode()
    os.close(terminal)
    os.close(screen)
    assert told.code == 0
    assert shown.splitlines()[:2] == ["{", '  "lines": 0,']


def test_profile_tells_where_the_time_went_beside_the_receipt(
    run: Any, tiny: Any, tmp_path: Path
) -> None:
    db = tmp_path / "profiled.duckdb"
    told = run("load", tiny.archive, "--secrets-file", tiny.secrets, "--profile", "--db", db)
    assert told.code == 0
    assert told.out == f"{tiny.receipt}\n"
    rows = dict(re.findall(r"^(\w[a-z ]+\w) +(\d+\.\d\d) s  \w", told.err, re.MULTILINE))
    assert list(rows) == list(WORKS)
    assert float(rows["read lines"]) > 0
    assert float(rows["store rows"]) > 0


def test_strict_ends_with_3_where_a_line_was_quarantined(
    run: Any, tiny: Any, tmp_path: Path
) -> None:
    strict = run("load", tiny.archive / "2024" / "q3", "--secrets-file", tiny.secrets, "--strict")
    assert (strict.code, "quarantined" in strict.out) == (3, True)
    clean = tmp_path / "clean.jsonl"
    clean.write_text(
        '{"event": "patient.created", "object": {"id": "user_1", "object": "patient"},'
        ' "created_at": "2025-01-01T00:00:00Z"}\n'
    )
    assert run("load", clean, "--policy", "skip", "--strict", "--db", "clean.duckdb").code == 0


def test_the_secret_may_come_from_the_environment(run: Any, tiny: Any) -> None:
    (secret,) = re.findall(r'"2025" = "(.*)"', tiny.secrets.read_text())
    file = next(tiny.archive.rglob("2025-11-webhooks.jsonl"))
    told = run("load", file, AVON_WEBHOOK_SECRET=secret)
    assert told.code == 0
    assert secret not in told.out + told.err
    assert secret.encode() not in Path(run.folder, "avon.duckdb").read_bytes()


# verify


def test_verify_checks_signatures_and_writes_nothing(run: Any, tiny: Any) -> None:
    told = run("verify", tiny.archive, "--secrets-file", tiny.secrets, "--format", "json")
    assert told.code == 0
    rows = told.json()
    read = [file for file in tiny.receipt.files if file.lines]
    assert {row["file"] for row in rows if row["n_lines"]} == {file.file for file in read}
    assert sum(row["n_lines"] for row in rows) == tiny.receipt.lines - tiny.receipt.blank
    words = ("verified", "mismatch", "unsigned", "unverifiable", "unreadable")
    assert all(row["n_lines"] == sum(row[word] for word in words) for row in rows)
    by_code = tiny.receipt.quarantined_by_code
    assert sum(row["mismatch"] for row in rows) == by_code["signature_mismatch"]
    assert sorted(path.name for path in run.folder.iterdir()) == [".stderr", ".stdout"]
    some = tiny.archive / "2024" / "q3"
    told = run("verify", some, "--secrets-file", tiny.secrets, "--strict")
    assert told.code == 3
    assert re.match(r"Signatures: [\d,]+ of [\d,]+ lines verified\n", told.out)
    assert re.search(r"^1 unverifiable: the bytes that were signed", told.err, re.MULTILINE)


# figures


@pytest.mark.parametrize("figure", FIGURES)
def test_a_figure_is_what_python_says(run: Any, tiny: Any, store: avon.Store, figure: str) -> None:
    frame = getattr(store.appointments(), figure.replace("-", "_"))()
    told = run(figure, "--db", tiny.db, "--format", "json")
    assert told.code == 0
    assert told.err == ""
    rows = told.json()
    assert [list(row) for row in rows] == [list(frame.columns)] * len(frame)
    for row, known in zip(rows, frame.to_dict("records"), strict=True):
        for name, value in known.items():
            expected = None if pd.isna(value) else value
            if isinstance(expected, pd.Timestamp):
                expected = f"{expected:%Y-%m-%d}"
            assert row[name] == expected, name


def test_a_figure_can_be_divided_and_bounded(run: Any, tiny: Any) -> None:
    options = ("--by", "weekday", "--by", "host", "--every", "quarter", "--start", "2025-01-01")
    told = run("outcomes", "--db", tiny.db, *options, "--end", "2025-10-01", "--format", "json")
    rows = told.json()
    assert list(rows[0])[:4] == ["weekday", "host", "host_name", "period_on"]
    assert {row["period_on"] for row in rows} <= {"2025-01-01", "2025-04-01", "2025-07-01"}
    host = rows[0]["host"]
    only = run("outcomes", "--db", tiny.db, "--where", f"host={host}", "--format", "json").json()
    assert only[0]["n_slots"] >= sum(row["n_slots"] for row in rows if row["host"] == host)
    early = run("outcomes", "--db", tiny.db, "--as-of", "2024-12-31", "--format", "json").json()
    assert early[0]["n_slots"] < sum(row["n_slots"] for row in rows) + early[0]["n_slots"]


@pytest.mark.parametrize("figure", FIGURES)
def test_small_counts_can_be_blanked(run: Any, tiny: Any, store: avon.Store, figure: str) -> None:
    visits = store.appointments(min_count=6)
    frame = getattr(visits, figure.replace("-", "_"))("weekday")
    options = ("--by", "weekday", "--min-count", 6, "--format", "json")
    rows = run(figure, "--db", tiny.db, *options).json()
    names = [name for name in frame if name.startswith("n_")]
    assert frame[names].isna().any(axis=None)
    for row, known in zip(rows, frame.to_dict("records"), strict=True):
        assert [row[name] for name in names] == [
            None if pd.isna(known[name]) else known[name] for name in names
        ]


def test_options_of_single_figures(run: Any, tiny: Any, store: avon.Store) -> None:
    visits = store.appointments()
    told = run("rebooking", "--db", tiny.db, "--days", 7, "--format", "json").json()
    assert told[0]["n_rebooked"] == visits.rebooking(days=7).n_rebooked[0]
    told = run("lead-times", "--db", tiny.db, "--every", "year", "--format", "json").json()
    assert told[0]["period_on"] == "2024-01-01"
    assert run("rebooking", "--db", tiny.db, "--days", 0).code == 2


@pytest.mark.parametrize("figure", ["fill-rate", "third-next-available"])
def test_what_needs_the_schedule_template_is_refused_with_the_reason(
    run: Any, tiny: Any, store: avon.Store, figure: str
) -> None:
    told = run(figure, "--db", tiny.db, "--by", "host")
    assert (told.code, told.out) == (2, "")
    assert "schedule template" in told.err
    with pytest.raises(avon.errors.NeedsScheduleTemplate, match="schedule template"):
        getattr(store.appointments(), figure.replace("-", "_"))()


@pytest.mark.parametrize("form", ["table", "csv", "parquet"])
def test_every_format_can_be_written_to_a_file(
    run: Any, tiny: Any, store: avon.Store, tmp_path: Path, form: str
) -> None:
    out = tmp_path / f"result.{'txt' if form == 'table' else form}"
    out.write_text("what stood there before")
    ask = ("outcomes", "--db", tiny.db, "--every", "month", "--format", form, "--out", out)
    told = run(*ask, "--force")
    assert (told.code, told.out) == (0, "")
    assert f"wrote {out}" in told.err
    frame = store.appointments().outcomes(every="month")
    if form == "parquet":
        import duckdb

        written = duckdb.connect().execute("SELECT n_slots FROM read_parquet($f)", {"f": str(out)})
        assert [n for (n,) in written.fetchall()] == frame["n_slots"].tolist()
    elif form == "csv":
        rows = list(csv.DictReader(io.StringIO(out.read_text())))
        assert [int(row["n_slots"]) for row in rows] == frame["n_slots"].tolist()
        assert rows[0]["period_on"] == f"{frame['period_on'][0]:%Y-%m-%d}"
    else:
        assert "2025-" in out.read_text()
    assert [path.name for path in tmp_path.iterdir() if "part" in path.name] == []


def test_parquet_asks_for_a_file(run: Any, tiny: Any) -> None:
    told = run("outcomes", "--db", tiny.db, "--format", "parquet")
    assert (told.code, told.out) == (2, "")
    assert "--out" in told.err


# looking around


def test_tables_lists_what_there_is(run: Any, tiny: Any, store: avon.Store) -> None:
    rows = run("tables", "--db", tiny.db, "--format", "json").json()
    assert rows == store.tables().to_dict("records")
    shown = run("tables", "--db", tiny.db)
    assert "appointment_slots" in shown.out


def test_sql_answers_in_every_shape(run: Any, tiny: Any) -> None:
    query = (
        "SELECT 1 AS n, 'ä' AS text, NULL AS none, true AS flag, [1, NULL] AS list, "
        "{'a': 1} AS object, DATE '2025-01-31' AS day, TIMESTAMPTZ '2025-01-31 12:00Z' AS at, "
        "1.5::DOUBLE AS share, 'NaN'::DOUBLE AS nan"
    )
    (row,) = run("sql", query, "--db", tiny.db, "--format", "json").json()
    assert row == {
        "n": 1,
        "text": "ä",
        "none": None,
        "flag": True,
        "list": [1, None],
        "object": {"a": 1},
        "day": "2025-01-31",
        "at": "2025-01-31T12:00:00+00:00",
        "share": 1.5,
        "nan": None,
    }
    told = run("sql", query, "--db", tiny.db, "--format", "csv")
    assert told.out.splitlines()[1].startswith(
        '1,ä,,True,"[1, null]","{""a"": 1}",2025-01-31,2025-01-31T12:00:00+00:00,1.5,'
    )
    told = run("sql", "SELECT [1, NULL] AS list, {'a': 1} AS object", "--db", tiny.db)
    assert (told.code, "[1, null]" in told.out, '{"a": 1}' in told.out) == (0, True, True)
    told = run("sql", "SELECT event_id FROM events LIMIT 0", "--db", tiny.db, "--format", "json")
    assert told.json() == []


def test_quarantine_list_says_where_and_why_and_not_what(run: Any, tiny: Any) -> None:
    rows = run("quarantine", "list", "--db", tiny.db, "--format", "json").json()
    assert len(rows) == tiny.receipt.quarantined
    assert {"file", "line", "code", "errors", "cause"} <= set(rows[0])
    assert "content" not in rows[0]
    shown = run("quarantine", "list", "--db", tiny.db)
    assert "signature_mismatch" in shown.out


def test_sample_writes_a_clinic_that_loads(run: Any) -> None:
    told = run("sample", "clinic", "--appointments", "3", "--seed", "5")
    assert told.code == 0
    assert told.out.startswith("clinic: 3 appointments of a clinic that does not exist\n")
    assert re.search(r", as of \d{4}-\d\d-\d\d \d\d:\d\d UTC\n$", told.out)
    assert "SampleSummary" not in told.out
    assert run("load", "clinic/archive", "--secrets-file", "clinic/secrets.toml").code == 0
    again = run("sample", "clinic", "--appointments", "3", "--seed", "5")
    assert again.code == 0, "an earlier sample is replaced"


def test_the_version_is_told(run: Any) -> None:
    assert run("--version").out == f"avon-analytics {avon.__version__}\n"


# Outputs


def test_nothing_but_the_result_goes_to_standard_output(run: Any, tiny: Any) -> None:
    told = run("outcomes", "--db", tiny.db, "--every", "month", "--format", "csv")
    assert all(line.count(",") > 5 for line in told.out.splitlines())
    shown = run("outcomes", "--db", tiny.db)
    assert shown.err == "as of 14 Nov 2025, 21:59 UTC\n"
    assert "as of" not in shown.out


def test_without_a_terminal_there_are_no_escape_codes(run: Any, tiny: Any) -> None:
    for words in (("outcomes", "--db", tiny.db), ("--help",), ("outcmes",), ("outcomes", "--help")):
        told = run(*words)
        assert "\x1b" not in told.out + told.err


@pytest.mark.parametrize("no_color", ["", "1"])
def test_no_color_means_no_escape_codes_on_a_terminal_either(
    run: Any, tiny: Any, no_color: str
) -> None:
    screen, terminal = pty.openpty()
    env = {"TERM": "xterm-256color", "NO_COLOR": no_color, "COLUMNS": "200"}
    told = run("outcomes", "--db", tiny.db, stdout=os.ttyname(terminal), **env)
    shown = os.read(screen, 1 << 16)
    os.close(terminal)
    os.close(screen)
    assert told.code == 0
    assert b"Attended" in shown
    assert (b"\x1b" in shown) is not bool(no_color)


def test_a_result_that_cannot_be_printed_is_told(run: Any, tiny: Any) -> None:
    if not Path("/dev/full").is_char_device():
        pytest.skip("this system has no /dev/full")
    for form in ("table", "csv"):
        told = run("tables", "--db", tiny.db, "--format", form, stdout="/dev/full")
        assert told.code == 4
        assert told.is_told_in_a_sentence
        assert "standard output" in told.err


def test_a_reader_who_has_seen_enough_is_no_error(tiny: Any, tmp_path: Path) -> None:
    """As with ``| head -1``."""
    command = [sys.executable, "-m", "avon_analytics", "tables", "--format", "csv", "--db"]
    with subprocess.Popen(
        [*command, str(tiny.db)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
        assert (process.wait(60), said) == (0, b"")


def test_what_an_encoding_lacks_becomes_a_question_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    emit("naïve – 見\n")
    assert written.getvalue() == b"na?ve ? ?\n"


# Help


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_has_help_with_an_example(words: tuple[str, ...]) -> None:
    command = all_commands()
    for word in words:
        command = command.commands[word]
    assert command.help
    assert "Example" in (command.epilog or "")
    examples = re.findall(r"^ *avon-analytics (.+)$", command.epilog or "", re.M)
    assert examples
    assert all(example.split()[: len(words)] == list(words) for example in examples)
    undocumented = [
        parameter.name
        for parameter in command.params
        if parameter.name != "help" and not getattr(parameter, "help", None)
    ]
    assert undocumented == []


def test_a_command_that_is_called_is_made_alone_and_the_same() -> None:
    def told(made: Any) -> Any:
        """What a command says of itself and of its options, and those of a group likewise."""
        options = [(one.name, one.opts, one.help, one.required) for one in made.params]
        inner = getattr(made, "commands", {})
        own = made.name, made.help, made.epilog, made.rich_help_panel, options
        return own, {name: told(one) for name, one in inner.items()}

    every = all_commands().commands
    for name, command in every.items():
        alone = getattr(get_command(called(app, [name, "--help"])), "commands")  # noqa: B009
        assert list(alone) == [name]
        assert told(alone[name]) == told(command)
    for arguments in ([], ["--help"], ["--version"], ["outcome"], ["--", "outcomes"]):
        assert called(app, arguments) is app, "what is no command's name may ask for any of them"


def test_help_is_printed(run: Any) -> None:
    told = run("quarantine", "list", "--help")
    assert told.code == 0
    assert "avon-analytics quarantine list" in told.out
    assert run().code == 2, "without a command: what there is, and wrong usage"
