"""How the command line looks: help, completion, progress, widths, and the right word."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from avon_analytics.cli.app import app

COMMANDS: dict[str, Any] = getattr(get_command(app), "commands")  # noqa: B009


def completed(words: str) -> list[str]:
    """What Tab offers behind some words, as bash asks for it."""
    environment = {
        **os.environ,
        "_AVON_ANALYTICS_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
    }
    code = "from avon_analytics.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.argv = ['avon-analytics']; {code}"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    return done.stdout.split()


def test_tab_completes_commands_options_choices_and_groupings() -> None:
    assert completed("avon-analytics outc") == ["outcomes"]
    assert completed("avon-analytics outcomes --ev") == ["--every"]
    assert completed("avon-analytics outcomes --every qu") == ["quarter"]
    assert completed("avon-analytics cancellations --by can") == ["cancelled_by"]


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_fits_eighty_columns_and_lists_nothing_twice(run: Any, name: str) -> None:
    told = run(*name.split(), "--help", COLUMNS="80")
    assert told.code == 0
    lines = told.out.splitlines()
    assert max(map(len, lines)) <= 80
    options = re.findall(r"^│ \*? {0,3}(--[\w-]+)", told.out, re.M)
    assert len(options) == len(set(options))
    assert "<bool>" not in [
        word
        for line in lines
        if "--help" not in line
        for word in line.split()
        if "completion" not in line
    ]


def test_commands_come_in_groups(run: Any) -> None:
    told = run("--help", COLUMNS="80").out
    groups = re.findall(r"^╭─ ([\w ]+) ─+╮$", told, re.M)
    assert groups[:3] == ["Options", "An archive goes in", "Figures come out"]
    assert groups[3:] == ["Looking around", "A person goes out"]


def test_a_load_on_a_terminal_shows_how_far_it_is(tiny: Any, tmp_path: Path) -> None:
    """A bar with files, lines a second and the time left; it goes when the load is done."""
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "avon_analytics", "load", str(tiny.archive)]
    command += ["--secrets-file", str(tiny.secrets), "--db", str(tmp_path / "new.duckdb")]
    environment = {**os.environ, "COLUMNS": "100", "TERM": "xterm"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=slave, env=environment, cwd=tmp_path
    ) as process:
        os.close(slave)
        shown = b""
        while True:
            try:
                part = os.read(master, 1 << 16)
            except OSError:  # the other side is closed
                break
            if not part:
                break
            shown += part
        assert process.wait(timeout=60) == 0
    os.close(master)
    told = shown.decode("utf-8", "replace")
    assert "Loading" in told
    assert re.search(r"22/22 files [\d,]+ lines/s", re.sub(r"\x1b\[[\d;?]*\w", "", told))
    assert re.search(r"\d:\d\d:\d\d", told)


@pytest.mark.parametrize(
    ("arguments", "code", "meant"),
    [
        (["outcoms"], 2, "outcomes"),
        (["outcomes", "--evry", "month"], 2, "--every"),
        (["outcomes", "--by", "hots"], 2, "'host'"),
        (["outcomes", "--where", "weekdy=Monday"], 2, "'weekday'"),
        (["sql", "SELECT evnt FROM events"], 4, '"event"'),
        (["sql", "SELECT * FROM event"], 4, "events"),
        (["tables", "--db", "clinik.duckdb"], 4, "clinic.duckdb"),
        (["load", "archve"], 4, "archive"),
    ],
)
def test_a_word_that_is_nearly_right_is_answered_with_the_right_one(
    run: Any, tiny: Any, tmp_path: Path, arguments: list[str], code: int, meant: str
) -> None:
    tiny.copy(tmp_path / "clinic.duckdb")
    (tmp_path / "archive").mkdir()
    given = [*arguments]
    if arguments[0] in ("outcomes", "sql"):
        given += ["--db", "clinic.duckdb"]
    if arguments[0] == "load":
        given += ["--secrets-file", str(tiny.secrets)]
    told = run(*given)
    assert told.code == code
    assert meant in told.err


@pytest.mark.parametrize("width", [60, 80, 120])
def test_paths_can_be_told_apart_in_every_width(run: Any, tiny: Any, width: int) -> None:
    told = run("quarantine", "list", "--db", tiny.db, COLUMNS=str(width))
    lines = told.out.splitlines()
    assert max(len(line.rstrip()) for line in lines) <= width
    raw = json.loads(run("quarantine", "list", "--db", tiny.db, "--format", "json").out)
    shown = [line.split()[0] for line in lines[2:] if not line.startswith(" ")][: len(raw)]
    pairs = set(zip(shown, [row["file"] for row in raw], strict=True))
    assert len({short for short, _ in pairs}) == len({file for _, file in pairs})


def test_verify_recommends_nothing_that_it_does_not_have(run: Any, tiny: Any) -> None:
    told = run("verify", tiny.archive)
    assert told.code == 2
    assert "--secrets-file" in told.err
    assert "--policy" not in told.err
    assert "--policy skip" in run("load", tiny.archive).err


def test_the_report_tells_where_it_is_and_lists_its_files(
    run: Any, tiny: Any, tmp_path: Path
) -> None:
    told = run("report", "--db", tiny.db, "--every", "quarter", "--min-count", "3")
    assert told.code == 0
    assert f"The report is in {tmp_path / 'report.html'}" in told.err
    assert told.out.splitlines()[0].lstrip().startswith("Quarter") or "Quarter" in told.out
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "Outcomes of slots by quarter" in page
    assert "Small counts are blank" in page
    files = (tmp_path / "report.files.csv").read_text("utf-8").splitlines()
    assert files[0].startswith("file,sha256,lines")
    assert len(files) == 1 + 22
