"""Being stopped: Ctrl-C, asked to end, or a closed terminal ends in one sentence and its exit code.

The first signal interrupts what is being done, which takes back what is not finished. A second one,
or work that cannot be interrupted, ends the process as it stands: a store is whole at any moment.

Python hears of a signal between two of its own steps, and one step of the engine may take seconds.
So a thread listens for them besides, and says to whoever sits at the terminal that it was noticed.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread, Timer
from types import FrameType
from typing import Any

from avon_analytics.printable import say

PATIENCE_SECONDS = 15.0
MOMENT_SECONDS = 0.2
"""What is over by then needs no announcement."""
_SOON_SECONDS = 0.05
_HEARD = "stopping, and taking back what is not finished; once more ends it at once"
_SENTENCE = "interrupted: what was finished stays, and nothing is left half done"
_DEFAULTS = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
_HANGUP = getattr(signal, "SIGHUP", None)  # the terminal was closed; Windows has none
if _HANGUP is not None:
    _DEFAULTS[_HANGUP] = signal.SIG_DFL


class _KeyboardInterrupt(KeyboardInterrupt):
    """An interruption that decides no exit code: of one of its own that comes while a class is
    made, the interpreter remembers that it is to end as by Ctrl-C."""


class Stop:
    """Whether somebody has asked the program to stop, and what to say then."""

    def __init__(self) -> None:
        self.signal: int | None = None
        self.sentence = ""

    def asked(self, number: int, _: FrameType | None) -> None:
        """What a signal does."""
        if self.signal is not None:
            if number == _HANGUP:  # a shell and the system both say so
                return
            self._leave()
        self.signal = number
        timer = Timer(PATIENCE_SECONDS, self._leave)
        timer.daemon = True
        timer.start()
        raise _KeyboardInterrupt

    def ignored(self, unraisable: Any) -> None:
        """An interruption where Python can raise none, in a finalizer say, is asked for again."""
        if self.signal is None or not issubclass(unraisable.exc_type, KeyboardInterrupt):
            sys.__unraisablehook__(unraisable)
            return
        number, self.signal = self.signal, None
        # From elsewhere: what is raised in here would be ignored, too.
        again = Timer(_SOON_SECONDS, os.kill, (os.getpid(), number))
        again.daemon = True
        again.start()

    def report(self) -> int:
        """Say it once; returns the exit code."""
        say(f"avon-analytics: {self.sentence or _SENTENCE}")
        return 128 + (self.signal or signal.SIGINT)

    def _leave(self) -> None:
        code = self.report()
        os._exit(code)


@contextmanager
def _heard(numbers: Sequence[int]) -> Iterator[None]:
    """Say on a terminal that one of these signals came, whatever Python is waiting for."""
    if not numbers or sys.stderr is None or not sys.stderr.isatty():
        yield
        return
    heard, tell = os.pipe()
    os.set_blocking(tell, False)
    is_over = Event()

    def listen() -> None:
        with open(heard, "rb", buffering=0) as file:
            while came := file.read(1):
                if came[0] in numbers:
                    if not is_over.wait(MOMENT_SECONDS):
                        print(file=sys.stderr)  # after the terminal's ^C, or a bar
                        say(f"avon-analytics: {_HEARD}")
                    return

    listener = Thread(target=listen, daemon=True)
    listener.start()
    before = signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
    try:
        yield
    finally:
        is_over.set()
        signal.set_wakeup_fd(before)
        os.close(tell)
        listener.join()


@contextmanager
def stopping() -> Iterator[Stop]:
    """Notice signals meanwhile; afterwards there is nothing left to interrupt."""
    stop, hook = Stop(), sys.unraisablehook
    mine = [number for number, usual in _DEFAULTS.items() if signal.getsignal(number) == usual]
    sys.unraisablehook = stop.ignored
    for number in mine:
        signal.signal(number, stop.asked)
    try:
        with _heard(mine):
            yield stop
    finally:
        for number in mine:
            signal.signal(number, signal.SIG_IGN)
        sys.unraisablehook = hook
