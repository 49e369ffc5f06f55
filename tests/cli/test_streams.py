"""What is printed, and where: no control character, also where a stream is closed or full."""

from __future__ import annotations

import hmac
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import avon_analytics as avon
from avon_analytics.cli import _run, groups
from avon_analytics.cli.stopping import Stop
from avon_analytics.errors import AvonError, QueryError
from avon_analytics.printable import in_json, printable

ODD = "a\x1b[31mb\x07c\u202ed\u061ce\nf"
SEEN = r"a\x1b[31mb\x07c\u202ed\u061ce\nf"
RAW = ("\x1b", "\x07", "\u202e", "\u061c")


def test_what_cannot_be_seen_is_shown_as_its_escape() -> None:
    assert printable(ODD) == SEEN
    assert printable("a\nb\tc", lines=True) == "a\nb\tc"
    assert printable("\udcff\ud800\u2028\x9b\x7f\r") == r"\xff\ud800\u2028\x9b\x7f\r"
    assert printable("Zoë, 東京, \U0001f469\u200d\U0001f52c – ok") == (
        "Zoë, 東京, \U0001f469\u200d\U0001f52c – ok"
    )
    text = json.dumps([ODD, "\udcff\U000e0041"], ensure_ascii=False, indent=2)
    assert json.loads(in_json(text)) == json.loads(text)
    assert not any(letter in in_json(text) for letter in RAW)


def test_no_error_holds_one_and_only_a_query_has_lines() -> None:
    assert str(AvonError(f"cannot read {ODD}")) == f"cannot read {SEEN}"
    assert str(QueryError("LINE 1:\n\x1b")) == "LINE 1:\n\\x1b"


@pytest.fixture(scope="module")
def odd(run_in: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A store of which the payload's keys, the archive's file and a person's id are odd.

    Nothing here writes into it.
    """
    run = run_in(tmp_path_factory.mktemp("odd"))
    about = {
        "id": "appt_1",
        ODD: ODD,
        "host": ODD,
        "start_time": 1_700_000_000_000,
        "status_history": [],
        "custom_data": [{"key": ODD, "value": ODD}],
    }
    lines = [
        {"event": "appointment.created", "created_at": 1, "id": "1", "object": about},
        {"event": "appointment.updated", "created_at": 2, "id": "2", "object": {**about, "x": ODD}},
        {"event": ODD, "created_at": 2, "id": "3", "object": {ODD: 1}},
    ]
    name = ODD.replace("/", "") + ".jsonl"
    (run.folder / name).write_text("".join(json.dumps(line) + "\n" for line in lines) + "{no\n")
    done = run("load", name, "--policy", "skip", "--partial")
    assert (done.code, [one for one in RAW if one in done.out + done.err]) == (0, [])
    return run


@pytest.mark.parametrize(
    "arguments",
    [
        ["tables"],
        ["explain", "appt_1"],
        ["explain", "appt_1", "--format", "json"],
        ["explain", "appt_1", "--format", "csv"],
        ["quarantine", "list"],
        ["quarantine", "list", "--format", "json"],
        ["quarantine", "show", "x.jsonl", "1"],
        ["quality"],
        ["quality", "--section", "drift"],
        ["outcomes", "--by", "host"],
        ["outcomes", "--by", "custom:nothing"],
        ["outcomes", "--by", ODD],
        ["outcomes", "--where", f"{ODD}=1"],
        ["outcomes", "--format", ODD],
        [ODD],
        ["tables", f"--{ODD}"],
        ["tables", "--db", ODD],
        ["load", ODD + ODD, "--policy", "skip"],
        ["load", "x", "--secrets-file", ODD],
        ["sql", f"SELECT '{ODD}' AS \"{ODD}\""],
        ["sql", f"SELECT '{ODD}' AS a", "--format", "json"],
        ["sql", f'SELECT "{ODD}"'],
        ["outcomes", "--out", f"{ODD}/x.txt"],
    ],
    ids=repr,
)
def test_no_command_prints_one(odd: Any, arguments: list[str]) -> None:
    done = odd(*arguments)
    printed = done.out + done.err
    assert printed
    assert [one for one in RAW if one in printed] == []
    assert "Traceback" not in printed


@pytest.mark.parametrize("option", ["--where", "--db", "--labels", "--format"])
def test_of_a_text_of_any_length_beginning_and_end_are_repeated(run: Any, option: str) -> None:
    told = run("outcomes", option, f"begin{'x' * 100_000}end")
    assert (told.code in (2, 4), "begin" in told.err, "end" in told.err) == (True, True, True)
    assert len(told.err) < 10_000


def test_a_note_is_one_line_whatever_the_file_is_called(run: Any) -> None:
    (run.folder / f"{ODD}.jsonl").write_text('{"event": "x"')
    done = run("load", f"{ODD}.jsonl", "--policy", "skip")
    assert f"/{SEEN}.jsonl: it ends in the middle of a delivery" in done.out
    assert [one for one in RAW if one in done.out + done.err] == []


@pytest.fixture(scope="module")
def keyed(run_in: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A store of three visits, whose custom fields hold the sign that parts keys from values."""
    run = run_in(tmp_path_factory.mktemp("keyed"))
    fields = [{"a": "b"}, {"a=b": "c"}, {"a=b": "c"}]
    lines = [
        {
            "event": "appointment.created",
            "created_at": 1,
            "object": {
                "id": f"appt_{n}",
                "start_time": 1_700_000_000_000,
                "custom_data": [{"key": key, "value": told} for key, told in field.items()],
            },
        }
        for n, field in enumerate(fields)
    ]
    (run.folder / "x.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert run("load", "x.jsonl", "--policy", "skip").code == 0
    return run


@pytest.mark.parametrize(
    ("where", "n_slots"),
    [
        ("custom:cfld_a=b", 1),  # of the field cfld_a
        ("custom:cfld_a=b=c", 2),  # of the field cfld_a=b, which is longer
        ("custom:cfld_a=", 2),  # missing
        ("custom:cfld_a=b=", 1),
    ],
)
def test_a_key_may_hold_the_sign_that_parts_it_from_its_value(
    keyed: Any, where: str, n_slots: int
) -> None:
    found = keyed("outcomes", "--where", where, "--format", "json").json()
    assert found[0]["n_slots"] == n_slots


def _python(
    *arguments: str | bytes, cwd: Path, redirect: str = "", before: str = ""
) -> subprocess.CompletedProcess[str]:
    """A command whose streams a shell has redirected, after something that the shell does."""
    command = [sys.executable, "-m", "avon_analytics", *arguments]
    return subprocess.run(
        ["sh", "-c", f'{before}exec "$@" {redirect}', "sh", *command],
        capture_output=True,
        text=True,
        cwd=cwd,
        check=False,
        timeout=600,
        env={**os.environ, "PYTHONUTF8": "1"},
    )


@pytest.mark.parametrize(
    ("redirect", "code"),
    [
        ("2>&-", 0),
        ("2>/dev/full", 0),
        (">/dev/full", 4),
        (">&-", 4),
        (">&- 2>&-", 4),
        (">/dev/full 2>/dev/full", 4),
        ("<&- >&- 2>&-", 4),
    ],
)
def test_a_stream_that_is_closed_or_full_is_no_traceback(
    tmp_path: Path, redirect: str, code: int
) -> None:
    event = {"event": "task.updated", "created_at": 1, "object": {"id": "task_1"}}
    (tmp_path / "a.jsonl").write_text(json.dumps(event) + "\n{no\n")
    load = ["load", "a.jsonl", "--policy", "skip", "--db", "a.duckdb"]
    done = _python(*load, cwd=tmp_path, redirect=redirect)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr
    if redirect in (">&-", ">/dev/full"):
        assert "cannot write to standard output" in done.stderr
    with avon.open(tmp_path / "a.duckdb") as store:
        assert list(store.table("deliveries")["ended"]) == ["loaded", "quarantined"]


@pytest.mark.parametrize("arguments", [["--help"], ["load", "--help"], ["spark", "--help"], []])
@pytest.mark.parametrize("redirect", [">&-", ">/dev/full", ">/dev/full 2>/dev/full"])
def test_help_that_cannot_be_written_is_told(
    tmp_path: Path, redirect: str, arguments: list[str]
) -> None:
    done = _python(*arguments, cwd=tmp_path, redirect=redirect)
    assert done.returncode == 4
    if "2>" not in redirect:
        assert done.stderr.startswith("avon-analytics: cannot write to standard output: ")
        assert done.stderr.count("\n") == 1


def test_help_that_nobody_reads_is_no_error() -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    command = [sys.executable, "-m", "avon_analytics", "--help"]
    done = subprocess.run(command, stdout=theirs, stderr=subprocess.PIPE, text=True, check=False)
    os.close(theirs)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_result_goes_into_a_pipe_that_has_no_name(tiny: Any, tmp_path: Path) -> None:
    outcomes = ["outcomes", "--db", str(tiny.db), "--format", "csv", "--out", "/dev/stdout"]
    done = _python(*outcomes, cwd=tmp_path, redirect="| cat")
    assert (done.stdout[:8], done.stderr) == ("n_slots,", "wrote /dev/stdout\n")


def test_a_terminal_without_a_width_is_one_of_unknown_width(
    tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for command in (["quality", "--db", str(tiny.db)], ["outcomes", "--nope"]):
        said = []
        for width in ("", "0", "1000000"):
            monkeypatch.setenv("COLUMNS", width)
            done = _python(*command, cwd=tmp_path)
            said.append((done.returncode, done.stdout, done.stderr))
        assert "Traceback" not in said[0][2]
        assert said[1:] == said[:1] * 2


@pytest.mark.parametrize(
    "command", [["tables"], ["load", "x", "--policy", "skip"], ["verify", "x"]]
)
def test_a_folder_that_is_gone_is_told(tmp_path: Path, command: list[str]) -> None:
    done = _python(*command, cwd=tmp_path, before="mkdir gone; cd gone; rmdir ../gone; ")
    assert done.returncode in (2, 4), done.stderr
    assert done.stderr.startswith("avon-analytics: ")
    assert "Traceback" not in done.stderr


def test_an_interpreter_without_docstrings_reads_and_counts(fresh: Any, tiny: Any) -> None:
    told = fresh("tables", "--db", tiny.db, PYTHONOPTIMIZE="2")
    assert (told.code, "appointments" in told.out) == (0, True)


def test_without_room_for_a_file_no_line_is_collected(tiny: Any, tmp_path: Path) -> None:
    export = ("quarantine", "export", "--db", str(tiny.db))
    done = _python(*export, cwd=tmp_path, before="ulimit -f 0; ")
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith("avon-analytics: lines are collected in a file first, which")


def test_too_little_memory_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def without_memory(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(groups, "called", without_memory)
    assert _run(Stop()) == 4
    assert capsys.readouterr().err.startswith("avon-analytics: there is too little memory")


def test_wrong_usage_keeps_its_code_where_nobody_hears_it(tmp_path: Path) -> None:
    for redirect in ("2>&-", "2>/dev/full"):
        done = _python("outcomes", "--format", "x", cwd=tmp_path, redirect=redirect)
        assert (done.returncode, done.stderr) == (2, "")


@pytest.mark.parametrize(
    "arguments",
    [
        [b"sql", b"SELECT '\xff'"],
        [b"tables", b"--db", b"\xff.duckdb"],
        [b"outcomes", b"--by", b"\xff"],
        [b"load", b"\xff.jsonl", b"--policy", b"skip"],
        [b"\xff"],
    ],
    ids=repr,
)
def test_an_argument_that_is_no_utf8_is_told(tmp_path: Path, arguments: list[bytes]) -> None:
    done = _python(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("avon-analytics: an argument is no text in UTF-8")
    assert r"\xff" in done.stderr


def test_a_secret_that_is_no_utf8_is_taken_as_its_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = '{"event": "a.b", "created_at": "2025-01-01T00:00:00Z", "object": {"id": "a_1"}}'
    signed = hmac.new(b"geheim \xff", body.encode(), "sha256").hexdigest()
    line = {"headers": {"avon-signature": signed}, "body": body}
    (tmp_path / "a.jsonl").write_text(json.dumps(line) + "\n")
    monkeypatch.setenv("AVON_WEBHOOK_SECRET", os.fsdecode(b"geheim \xff"))
    done = _python("verify", "a.jsonl", "--strict", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
