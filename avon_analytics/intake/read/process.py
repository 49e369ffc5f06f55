"""Reading in processes of their own: while others write rows, lines are read on each processor.

Lines go over by one pipe and come back as columns by another; no file is written, and secrets go
the same way. It is for speed alone: whatever hinders a process, the caller reads the lines itself
and finds the same.
"""

from __future__ import annotations

import json
import os
import pickle
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from avon_analytics.intake.archive.batch import Lines
from avon_analytics.intake.read.read_lines import ReadLines, ReadRules
from avon_analytics.intake.read.signature import Secrets

# To send fewer bytes over takes longer than it gains; of more, several processes would hold much.
WORTH_BYTES = 1024 * 1024
PIECE_BYTES = 4 * WORTH_BYTES
_PIPE_BYTES = 1024 * 1024  # where a system allows it: each piece waits for its turn in Python
# What stands in place of Python where it is embedded starts no Python.
_IS_PYTHON = re.compile(r"python|pypy", re.IGNORECASE)
PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from avon_analytics.intake.read.process import serve; serve()"
)


class ReadingProcesses:
    """Reads lines for as many threads as it has processes, for each in one that is idle."""

    def __init__(self, rules: ReadRules) -> None:
        self._rules = rules
        self._all: list[ReadingProcess] = []
        self._idle: list[ReadingProcess] = []

    def start(self, n_processes: int) -> None:
        """Start them; before, the caller reads everything."""
        if not _IS_PYTHON.match(Path(sys.executable or "").name):
            return
        with suppress(OSError):
            for _ in range(n_processes):
                self._all.append(ReadingProcess(self._rules))
        self._idle = list(self._all)

    def read(self, lines: Lines) -> ReadLines | None:
        """What some lines say; None where the caller is to read them."""
        if len(lines.buffer) < WORTH_BYTES:
            return None
        try:
            process = self._idle.pop()
        except IndexError:
            return None
        try:
            parts = [process.read(piece) for piece in lines.pieces(PIECE_BYTES)]
        except (OSError, EOFError, pickle.UnpicklingError):
            return None  # it is asked no more
        self._idle.append(process)
        return ReadLines.joined(parts)

    def close(self) -> None:
        """End them; nobody reads any more."""
        while self._all:
            self._all.pop().close()
        self._idle.clear()


class ReadingProcess:
    """One process that reads."""

    def __init__(self, rules: ReadRules) -> None:
        path = json.dumps([entry for entry in sys.path if isinstance(entry, str)])
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", PROGRAM, path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # what goes wrong there, the caller finds and reports
            # numpy starts threads to multiply matrices, which wait busily at first.
            env={"OPENBLAS_NUM_THREADS": "1", **os.environ},
            pipesize=_PIPE_BYTES,
        )
        secrets = None if rules.secrets is None else dict(rules.secrets.items())
        try:
            self._send((rules.policy, secrets, rules.is_limited, rules.with_bodies))
        except OSError:
            self.close()
            raise

    def read(self, lines: Lines) -> ReadLines:
        """What some lines say."""
        self._send(lines)
        assert self._process.stdout is not None
        found = pickle.load(self._process.stdout)
        assert isinstance(found, ReadLines)
        return found

    def _send(self, value: object) -> None:
        assert self._process.stdin is not None
        _dump(value, self._process.stdin)

    def close(self) -> None:
        """End it: it holds nothing that would be lost."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                assert pipe is not None
                pipe.close()
        self._process.wait()


def _dump(value: object, pipe: Any) -> None:
    pickle.dump(value, pipe, protocol=pickle.HIGHEST_PROTOCOL)
    pipe.flush()


def serve() -> None:
    """Read lines from standard input until it ends, and answer on standard output."""
    import signal

    # A stop from the keyboard reaches all processes: whoever asks ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asked, answers = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # nothing else may write among the answers
    policy, secrets, is_limited, with_bodies = pickle.load(asked)
    named = None if secrets is None else Secrets(secrets)
    rules = ReadRules(policy, named, is_limited, with_bodies)
    reader = rules.reader()
    with suppress(EOFError):
        while True:
            _dump(rules.read(reader, pickle.load(asked)), answers)
