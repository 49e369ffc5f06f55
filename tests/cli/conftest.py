"""Commands as processes: what they print, where, and with which exit code they end.

Importing the engine takes a second or two, so a server imports it once and forks a process for
each command. A few tests start ``python -m avon_analytics`` from nothing.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

import avon_analytics
from tests.conftest import Loaded, keep_slots

_SERVER = """
import ctypes, gc, json, os, resource, signal, sys, threading, time, traceback, warnings
from functools import partial
from pathlib import Path

def run(ask):
    os.chdir(ask["cwd"])
    for name in ("FORCE_COLOR", "NO_COLOR", "AVON_WEBHOOK_SECRET", "COLUMNS"):
        os.environ.pop(name, None)
    os.environ.update(ask["env"])
    os.umask(0o022)
    # Whatever this process was started by, or its tests have left, these end a command.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for number in (1, 2):
        os.dup2(os.open(ask["to"][number - 1], os.O_CREAT | os.O_WRONLY, 0o600), number)
    if ask["no_override"] and os.geteuid() == 0:
        # Root without the right to ignore what files permit.
        capset = ctypes.CDLL(None, use_errno=True).capset
        none = (ctypes.c_uint32 * 6)()
        assert capset((ctypes.c_uint32 * 2)(0x20080522, 0), none) == 0
    if ask["file_limit"]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (ask["file_limit"], ask["file_limit"]))
    if ask["batch_bytes"]:
        load = partial(avon_analytics.api.load_archive, batch_bytes=ask["batch_bytes"])
        avon_analytics.api.load_archive = load
    sys.argv = ["avon-analytics", *ask["arguments"]]
    code = 1
    try:
        main()
    except SystemExit as end:
        code = end.code or 0
    except BaseException:
        traceback.print_exc()
    try:
        sys.stdout.flush()
    except OSError:
        code = 120
    os._exit(code)

warnings.simplefilter("error")
sys.modules["rfc3987_syntax"] = None  # as for all tests
from avon_analytics.cli import main
import avon_analytics.api, avon_analytics.intake.read.verify, avon_analytics.cli.app
import avon_analytics.report.terminal.table, avon_analytics.report.page.collect, rich.console
from avon_analytics.store.making import EMPTY_STORE
# What commands come to need.
import avon_analytics.explorer.cohort, avon_analytics.appointments.quality
import altair, jinja2, jsonschema, markdown_it, pyarrow.pandas_compat, pydantic.type_adapter
import rich.markup, rich.table, rich._unicode_data, typer._adapters, vl_convert, xlsxwriter

# Made by another process: the engine's threads would not be in a child of this one.
EMPTY_STORE.keep(Path(sys.argv[1]), None, avon_analytics.api.install_views)

def kill(child, after, number, ended):
    # By the processor time that it has had, which a busy machine does not change.
    clock = ~child << 3 | 2  # clock_getcpuclockid
    while not ended.wait(0.001):
        try:
            if time.clock_gettime(clock) >= after:
                return os.kill(child, number)
        except OSError:  # it has just ended
            return

gc.collect()
gc.freeze()  # so that no collection in a child copies all of these pages
answers = os.fdopen(os.dup(1), "w")
for line in sys.stdin:
    ask = json.loads(line)
    child = os.fork()
    if child == 0:
        run(ask)
    ended = threading.Event()
    if ask["kill_after"] is not None:
        given = (child, ask["kill_after"], ask["kill_signal"], ended)
        killer = threading.Thread(target=kill, args=given)
        killer.start()
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    ended.set()
    if ask["kill_after"] is not None:
        killer.join()
    _, status, used = os.wait4(child, 0)
    code = os.waitstatus_to_exitcode(status)
    print(code, used.ru_utime + used.ru_stime, file=answers, flush=True)
answers.close()
"""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str
    seconds: float = 0.0  # of processor time

    @property
    def is_told_in_a_sentence(self) -> bool:
        """Whether what went wrong is told as the program's own words, without a traceback."""
        lines = [line for line in self.err.splitlines() if line.startswith("avon-analytics: ")]
        return len(lines) == 1 and "Traceback" not in self.err

    def json(self) -> Any:
        return json.loads(self.out)


class CommandLine:
    """Runs commands in a folder of their own, one after the other."""

    def __init__(self, server: subprocess.Popen[str], folder: Path) -> None:
        self._server = server
        self.folder = folder

    def elsewhere(self, folder: Path) -> CommandLine:
        """The same in another folder."""
        return CommandLine(self._server, folder)

    def __call__(
        self,
        *arguments: str | Path,
        kill_after: float | None = None,
        kill_signal: int = signal.SIGKILL,
        file_limit: int = 0,
        batch_bytes: int = 0,
        no_override: bool = False,
        stdout: str | None = None,
        **env: str,
    ) -> Ended:
        to = [str(self.folder / ".stdout"), str(self.folder / ".stderr")]
        for name in to:
            Path(name).unlink(missing_ok=True)
        ask = {
            "arguments": [str(argument) for argument in arguments],
            "cwd": str(self.folder),
            "env": env,
            "to": [stdout or to[0], to[1]],
            "kill_after": kill_after,
            "kill_signal": kill_signal,
            "file_limit": file_limit,
            "batch_bytes": batch_bytes,
            "no_override": no_override,
        }
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps(ask) + "\n")
        self._server.stdin.flush()
        code, seconds = self._server.stdout.readline().split()
        out, err = ("" if not Path(p).is_file() else Path(p).read_text("utf-8") for p in to)
        return Ended(int(code), out, err, float(seconds))


@pytest.fixture(scope="session")
def tiny(tiny: Loaded, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """The tiny clinic, whose store keeps its slots: hundreds of commands ask for figures."""
    own = replace(tiny, db=tiny.copy(tmp_path_factory.mktemp("kept") / tiny.db.name))
    keep_slots(own.db)
    return own


@pytest.fixture(scope="session")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[str]]:
    empty = tmp_path_factory.mktemp("empty") / "store.duckdb"
    with avon_analytics.open(empty) as store, store._database.writing():
        pass
    with subprocess.Popen(
        [sys.executable, "-c", _SERVER, empty],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUTF8": "1"},
    ) as server:
        yield server
        assert server.stdin is not None
        server.stdin.close()
        server.wait(timeout=10)


@pytest.fixture(scope="session")
def run_in(_server: subprocess.Popen[str]) -> Callable[[Path], CommandLine]:
    """``run_in(folder)("tables")``: a command in a process, in a folder that tests share."""
    return lambda folder: CommandLine(_server, folder)


@pytest.fixture
def run(_server: subprocess.Popen[str], tmp_path: Path) -> CommandLine:
    """``run("load", archive, "--policy", "skip")``: a command in a process, in an empty folder."""
    return CommandLine(_server, tmp_path)


def fresh(*arguments: str | Path, cwd: Path, **env: str) -> Ended:
    """A command in a new interpreter, as a user starts it."""
    clean = {k: v for k, v in os.environ.items() if k not in ("AVON_WEBHOOK_SECRET", "FORCE_COLOR")}
    done = subprocess.run(
        [sys.executable, "-m", "avon_analytics", *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=cwd,
        env={**clean, "PYTHONUTF8": "1", **env},
        timeout=600,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


@pytest.fixture(name="fresh")
def _fresh(tmp_path: Path) -> Any:
    return lambda *arguments, **env: fresh(*arguments, cwd=tmp_path, **env)


@pytest.fixture(scope="session")
def store(tiny: Loaded) -> Iterator[avon_analytics.Store]:
    """The tiny clinic as Python reads it: what a command prints is compared with it."""
    with avon_analytics.open(tiny.db) as opened:
        yield opened
