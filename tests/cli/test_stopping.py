"""Ctrl-C, and being asked to end: one sentence at any moment, with what stays, and an exit code."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pytest

import avon_analytics as avon
from avon_analytics.errors import Interrupted
from avon_analytics.store import journal
from avon_analytics.store.database import Database

pytestmark = pytest.mark.kill
TINY_BATCHES = 2_000  # many files, many moments
# `make kills` sets 200.
INTERRUPTIONS = int(os.environ.get("AVON_ANALYTICS_KILLS", "8"))
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
_TOLD = re.compile(r"interrupted: ([\d,]+) files? with ([\d,]+) lines, ([\d,]+) of them new events")


def _last_load(db: Path) -> tuple[int, int, int]:
    """What the log says of the last load; of a store into which none has begun, nothing."""
    loads = avon.open(db).sql("SELECT files, lines, loaded FROM loads ORDER BY load_id")
    if loads.empty:
        return 0, 0, 0
    found = loads.iloc[-1]
    return int(found["files"]), int(found["lines"]), int(found["loaded"])


def _n_events(db: Path) -> int:
    return int(avon.open(db).sql("SELECT count(*) AS n FROM events")["n"].iloc[0])


@pytest.mark.usefixtures("hears_hangups")
def test_an_interrupted_load_says_what_stays_at_any_moment(run: Any, tiny: Any) -> None:
    db, load = run.folder / "a.duckdb", ("load", tiny.archive, "--secrets-file", tiny.secrets)
    before = run.folder / "before.duckdb"
    whole = run(*load, "--db", before, batch_bytes=TINY_BATCHES)
    assert whole.code == 0
    random, ended = Random(5), []
    for nth in range(INTERRUPTIONS):
        number = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)[nth % 3]
        after = random.uniform(0.0, whole.seconds * 1.05)
        done = run(
            *(*load, "--db", db), kill_after=after, kill_signal=number, batch_bytes=TINY_BATCHES
        )
        ended.append(done.code)
        if done.code == 0:  # it was done before
            db.unlink(missing_ok=True)
            continue
        assert done.code == CODES[number], done.err
        assert done.is_told_in_a_sentence, done.err
        assert done.out == ""
        if found := _TOLD.search(done.err):
            numbers = tuple(int(text.replace(",", "")) for text in found.groups())
            assert numbers == _last_load(db)
        else:
            assert "interrupted before" in done.err or "what was finished stays" in done.err
            # Nothing of it stays, or all does: it was telling what it had done.
            is_whole = db.exists() and _n_events(db) == _n_events(before)
            assert is_whole or not db.exists() or _last_load(db)[0] in (0, nth), done.err
        assert {path.name for path in run.folder.iterdir()} <= {
            "a.duckdb",
            ".stdout",
            ".stderr",
        } | {"before.duckdb"}
    assert len([code for code in ended if code]) >= INTERRUPTIONS // 2, (
        "too few were interrupted in time"
    )
    assert run(*load, "--db", db).code == 0
    assert len(avon.open(db).table("events")) == tiny.receipt.loaded


def test_a_figure_is_interrupted_as_well(run: Any, tiny: Any) -> None:
    slow = "SELECT count(*) FROM range(100000) a, range(100000) b WHERE hash(a.range, b.range) = 7"
    done = run("sql", slow, "--db", tiny.db, kill_after=1.5, kill_signal=signal.SIGINT)
    assert (done.code, done.is_told_in_a_sentence, done.out) == (130, True, "")


_IMPATIENT = """
import signal, sys, threading, time
from avon_analytics.cli import stopping
stopping.PATIENCE_SECONDS = float(sys.argv[1])
import avon_analytics.cli.app as app
from avon_analytics.cli import main

signal.signal(signal.SIGINT, signal.default_int_handler)  # the tests may run in the background

@app.app.command()
def stubborn() -> None:
    end, told = time.monotonic() + 30, ["begun"]
    while time.monotonic() < end:
        try:
            if told:
                print(told.pop(), flush=True)  # an answer to it may come at once
            time.sleep(1)
        except KeyboardInterrupt:
            print("again", flush=True)

sys.argv = ["avon-analytics", "stubborn"]
main()
"""


@pytest.mark.parametrize(("patience", "twice"), [("0.5", False), ("30", True)])
def test_what_cannot_be_interrupted_is_ended_all_the_same(patience: str, twice: bool) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _IMPATIENT, patience],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "again\n"
        if twice:
            process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
        assert process.stderr.read().count("avon-analytics: interrupted") == 1


_BUSY = """
import hashlib, signal
from threading import Timer
from avon_analytics.cli.stopping import stopping
signal.signal(signal.SIGINT, signal.default_int_handler)
with stopping() as stop:
    try:
        Timer(0.1, print, ["begun"], {"flush": True}).start()
        hashlib.pbkdf2_hmac("sha256", b"", b"", 200_000_000)  # one step, of a minute
    except KeyboardInterrupt:
        pass
stop.report()
"""


@pytest.mark.usefixtures("hears_hangups")
def test_a_terminal_that_is_closed_says_so_twice_and_ends_it_once() -> None:
    """The shell tells it, and the system, too: what is taken back is taken back to its end."""
    script = (
        "import os, signal, time\n"
        "from avon_analytics.cli.stopping import stopping\n"
        "with stopping() as stop:\n"
        "    try:\n"
        "        os.kill(os.getpid(), signal.SIGHUP)\n"
        "        time.sleep(30)\n"
        "    except KeyboardInterrupt:\n"
        "        os.kill(os.getpid(), signal.SIGHUP)\n"
        "        print('taken back')\n"
        "raise SystemExit(stop.report())"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=20, check=False
    )
    assert (done.returncode, done.stdout) == (128 + signal.SIGHUP, "taken back\n")
    assert done.stderr.count("avon-analytics: interrupted") == 1


def test_what_outlives_its_terminal_goes_on_where_that_is_closed() -> None:
    """As under ``nohup``."""
    script = (
        "import os, signal\n"
        "from avon_analytics.cli.stopping import stopping\n"
        "with stopping():\n"
        "    os.kill(os.getpid(), signal.SIGHUP)\n"
        "    print('goes on')\n"
    )
    done = subprocess.run(
        ["nohup", sys.executable, "-c", script],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "goes on\n")


def test_whoever_sits_at_a_terminal_is_told_at_once() -> None:
    """Also where Python itself hears of the signal later: the step goes on meanwhile."""
    ours, theirs = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", _BUSY], stdout=subprocess.PIPE, stderr=theirs, text=True
    ) as process:
        os.close(theirs)
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGINT)
        said = b""
        while b"once more ends it at once" not in said:
            said += os.read(ours, 1000)
        assert b"interrupted" not in said
        assert process.poll() is None
        process.kill()
    os.close(ours)


def test_a_program_that_was_told_to_ignore_it_does() -> None:
    """As nohup and a shell's background jobs have it."""
    script = (
        "import signal, os; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "from avon_analytics.cli.stopping import stopping\n"
        "with stopping() as stop:\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "print(stop.signal)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "None\n"


@pytest.mark.parametrize("n_again", [0, 1])
def test_in_python_it_is_a_keyboard_interrupt_that_says_what_stays(
    tmp_path: Path, tiny: Any, monkeypatch: pytest.MonkeyPatch, n_again: int
) -> None:
    """Also where it comes once more, while the store is asked what stays."""
    calls, again = [], ["Query interrupted"] * n_again
    begin_anew = Database.begin_anew

    def interrupted_again(database: Database) -> None:
        if again:
            raise duckdb.InterruptException(again.pop())
        begin_anew(database)

    monkeypatch.setattr(Database, "begin_anew", interrupted_again)
    shorten = journal.shorten

    def interrupted(connection: duckdb.DuckDBPyConnection) -> None:
        shorten(connection)
        calls.append(1)
        raise RuntimeError("Query interrupted")  # as the engine tells it

    monkeypatch.setattr(journal, "shorten", interrupted)
    with avon.open(tmp_path / "a.duckdb") as store:
        with pytest.raises(Interrupted) as told:
            store.load(tiny.archive, secrets=tiny.secrets, progress=False)
        assert isinstance(told.value, KeyboardInterrupt)
        found = _TOLD.search(str(told.value))
        assert found is not None
        numbers = tuple(int(text.replace(",", "")) for text in found.groups())
        assert numbers == _last_load(tmp_path / "a.duckdb")
        assert numbers[0] > 0
        monkeypatch.undo()
        store.load(tiny.archive, secrets=tiny.secrets, progress=False)
        assert len(store.table("events")) == tiny.receipt.loaded
    assert os.listdir(tmp_path) == ["a.duckdb"]


def test_a_store_in_memory_keeps_what_was_loaded(
    tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("avon_analytics.api.keep_slots", interrupted)
    with avon.open(":memory:") as store:
        with pytest.raises(Interrupted, match="are loaded"):
            store.load(tiny.archive, secrets=tiny.secrets, progress=False)
        assert len(store.table("events")) == tiny.receipt.loaded


_SWALLOWED = """
import os, signal, time
from avon_analytics.cli.stopping import stopping

class Finalized:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)

with stopping() as stop:
    try:
        Finalized()
        time.sleep(30)
    except KeyboardInterrupt:
        print(stop.signal)
"""


def test_an_interruption_that_a_finalizer_swallows_is_asked_for_again() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _SWALLOWED], capture_output=True, text=True, timeout=20, check=False
    )
    assert (done.stdout, done.stderr) == (f"{signal.SIGTERM:d}\n", "")


_WHILE_A_CLASS_IS_MADE = """
from avon_analytics.cli.stopping import stopping
with stopping() as stop:
    try:
        exec("import os, signal; os.kill(os.getpid(), signal.SIGTERM)")
    except KeyboardInterrupt:
        code = stop.report()
raise SystemExit(code)
"""


def test_a_signal_while_modules_are_imported_has_its_own_exit_code(tmp_path: Path) -> None:
    (tmp_path / "made.py").write_text(_WHILE_A_CLASS_IS_MADE)
    python = [sys.executable, "-m", "made"]
    done = subprocess.run(python, timeout=20, check=False, cwd=tmp_path)
    assert done.returncode == 128 + signal.SIGTERM
