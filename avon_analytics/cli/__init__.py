"""The command line ``avon-analytics``: results to standard output, everything else to the other.

Exit codes: 0 done; 1 an error of the program; 2 wrong usage; 3 done, but lines were quarantined
under ``--strict``, or not one line could be trusted; 4 bad input or store; 130 interrupted,
143 ended.
"""

from __future__ import annotations

import os
import sys
from traceback import walk_tb
from typing import Any

from avon_analytics.cli.stopping import Stop, stopping
from avon_analytics.cli.streams import drop_output, end_streams, have_streams
from avon_analytics.errors import AvonError, InputError, UsageError
from avon_analytics.printable import say


def main() -> None:
    """Run a command; what a user can mend is reported in one sentence, without a traceback."""
    # numpy would start a thread for each processor to multiply matrices, and each of them waits
    # busily at first: no command multiplies large ones.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if not 0 < len(os.environ.get("COLUMNS", "").lstrip("0")) < 5:  # no width that a terminal has
        os.environ.pop("COLUMNS", None)
    have_streams()
    with stopping() as stop:
        try:
            code = _run(stop)
        except BaseException:
            if stop.signal is None:
                raise
            code = 0
        if stop.signal is not None:  # whatever it has led to
            code = stop.report()
    end_streams()
    raise SystemExit(code)


def _run(stop: Stop) -> int:
    from avon_analytics.arguments import is_utf8
    from avon_analytics.cli.app import app
    from avon_analytics.cli.groups import Interruption, called
    from avon_analytics.cli.output import ReaderGone

    try:
        for argument in sys.argv[1:]:
            if not is_utf8(argument):
                raise UsageError(f"an argument is no text in UTF-8: {argument}")
        called(app, sys.argv[1:])()
    except AvonError as error:
        if stop.signal is None:  # else it is what the interruption has led to
            say(f"avon-analytics: {error}")
        return error.exit_code
    except MemoryError:
        say("avon-analytics: there is too little memory for this: end other programs, or ask less")
        return InputError.exit_code
    except OSError as error:
        return _told(error)
    except ReaderGone:
        pass
    except Interruption as interruption:
        stop.sentence = str(interruption)
        raise
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # nobody reads the help any more
            return 0
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _told(error: OSError) -> int:
    """Say what is wrong around the program, where that is it: with its output, with its folder."""
    if _is_of_help(error):
        drop_output()
        say(f"avon-analytics: cannot write to standard output: {error.strerror}")
        return InputError.exit_code
    try:
        os.getcwd()
    except FileNotFoundError:
        say("avon-analytics: the folder that this is called in is gone: change to another one")
        return UsageError.exit_code
    raise error


def _is_of_help(error: OSError) -> bool:
    """Whether rich raised it, which writes help to standard output; the other stream is patient."""
    *_, (frame, _) = walk_tb(error.__traceback__)
    return str(frame.f_globals.get("__name__")).startswith("rich.")


def __getattr__(name: str) -> Any:
    """The commands themselves, ``app``: imported where they are asked for, so that ``main`` can
    be interrupted while they are."""
    if name != "app":
        raise AttributeError(name)
    from avon_analytics.cli.app import app

    globals()["app"] = app
    return app


__all__ = ["main"]
