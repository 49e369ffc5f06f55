"""The streams of a command, also where they are closed or full."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Any


class Patient:
    """Standard error that forgets what it cannot write: a message is no reason to fail."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, if that is possible."""
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush, if that is possible."""
        with suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def have_streams() -> None:
    """Have all three of them; a file that is opened in place of a closed one could be written over.

    Standard output that was closed stays so: to write a result into it fails.
    """
    for number, flags in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            null = os.open(os.devnull, flags)  # the lowest number that is free
            if null != number:
                os.dup2(null, number)
                os.close(null)
    if sys.stdin is None:
        sys.stdin = open(0, closefd=False, encoding="utf-8")  # noqa: SIM115
    if sys.stdout is None:
        sys.stdout = open(1, "w", closefd=False, encoding="utf-8")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False, encoding="utf-8")  # noqa: SIM115
    sys.stderr = Patient(sys.stderr)


def drop_output() -> None:
    """Of what is still held back nothing is tried again when the interpreter ends."""
    _to_nowhere(sys.stdout)


def end_streams() -> None:
    """Leave nothing for the interpreter to write on its way out: it would fail once more."""
    for stream in (sys.stdout, sys.__stderr__):
        if stream is not None:
            try:
                stream.flush()
            except OSError:
                _to_nowhere(stream)
    if isinstance(sys.stderr, Patient):
        sys.stderr = sys.stderr._stream


def _to_nowhere(stream: Any) -> None:
    with suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
        stream.flush()
