"""Everything that can go wrong and that a user can mend, as one tree.

::

    AvonError                     exit code 1, an error of the program
    ├── UsageError                2, the call itself is wrong
    │   ├── MissingSecret            a load needs a secret and was given none
    │   ├── NeedsScheduleTemplate    a figure that no webhook can answer
    │   ├── UnknownGroup             a grouping that is not on the list
    │   ├── UnknownTable             a table that the store does not have
    │   ├── StaleCohort              a cohort of a store that has changed since
    │   └── UnknownAppointment       an appointment that no event is about
    ├── NothingTrusted           3, not one line of the archive could be trusted
    └── InputError                4, bad input or a bad store
        ├── ArchiveError             a path that cannot be read
        │   └── DamagedFile             a compressed file that is damaged or cut short
        ├── SecretsFileError         a secrets file that cannot be used
        ├── StoreError               a store that cannot be opened, written or understood
        └── QueryError               an SQL query that the engine refuses

    KeyboardInterrupt
    └── Interrupted               130, somebody has stopped a load

What is not wrong, but must be known to whoever quotes a number, is a warning::

    AvonWarning
    ├── DefinitionsDiffer         two cohorts that are compared are not defined alike
    └── SharedSlots               two cohorts that are compared hold the same slots

A message says where, what was expected and what to do next. It never holds a value from a
payload or a secret: these messages end in terminals, logs and tickets.
"""

from __future__ import annotations

import linecache
from textwrap import wrap
from types import TracebackType
from typing import ClassVar

from avon_analytics.printable import as_message


class AvonError(Exception):
    """Base of every error that this package raises on purpose.

    What it was raised from is not passed on: errors of the engine and of pydantic can quote a row,
    and whoever logs an error may log its whole chain.
    """

    exit_code: ClassVar[int] = 1

    is_one_line: ClassVar[bool] = True

    def __str__(self) -> str:
        return as_message(super().__str__(), lines=not self.is_one_line)

    @property
    def __context__(self) -> BaseException | None:
        return None

    @__context__.setter
    def __context__(self, _: BaseException | None) -> None:
        pass

    def _render_traceback_(self, *_: object) -> list[str]:
        """What a notebook shows: the line that asked and what was wrong, in one block.

        IPython calls this in place of a traceback. Errors of the program are no AvonError and
        keep theirs.
        """
        name = type(self).__name__
        lines = [part for line in str(self).splitlines() for part in wrap(line, 96) or [""]]
        return [*_asked(self.__traceback__), f"{name}: {lines[0] if lines else ''}", *lines[1:]]


def _asked(at: TracebackType | None) -> list[str]:
    """The last line outside this package on the way to an error, if its text is known."""
    line = ""
    while at is not None:
        frame = at.tb_frame
        if str(frame.f_globals.get("__name__")).partition(".")[0] == __name__.partition(".")[0]:
            break
        line = linecache.getline(frame.f_code.co_filename, at.tb_lineno, frame.f_globals).strip()
        number, at = at.tb_lineno, at.tb_next
    if not line:
        return []
    # A secret that was typed into a call is not repeated.
    return [f"line {number}" if "secret" in line.lower() else f"line {number}: {line}", ""]


class UsageError(AvonError):
    """The call itself is wrong: an argument is missing, unknown or contradicts another."""

    exit_code = 2


class MissingSecret(UsageError):
    """A load that verifies signatures was given no secret."""


class NeedsScheduleTemplate(UsageError):
    """A figure that rests on the schedule template, which no webhook carries."""


class UnknownGroup(UsageError):
    """A grouping, period or option that is not one of the choices."""


class UnknownTable(UsageError):
    """A table that the store does not have."""


class StaleCohort(UsageError):
    """A cohort that was made before the store changed: its figures would not be of one state."""


class UnknownAppointment(UsageError):
    """An appointment that no event is about, at least not up to the instant asked for."""


class NothingTrusted(AvonError):
    """Not one line of an archive could be trusted: most likely a wrong secret."""

    exit_code = 3


class InputError(AvonError):
    """Something outside the program is not as it must be: a file, a folder, a store."""

    exit_code = 4


class ArchiveError(InputError):
    """An archive path that does not exist or cannot be read."""


class DamagedFile(ArchiveError):
    """A compressed file that is damaged or cut short."""


class SecretsFileError(InputError):
    """A secrets file that is missing, unreadable or not in the expected form."""


class StoreError(InputError):
    """A store that cannot be opened, written or understood."""


class QueryError(InputError):
    """An SQL query that the engine refuses; the engine shows where, on lines of its own."""

    is_one_line = False


class Interrupted(KeyboardInterrupt):
    """Work that was interrupted, with a sentence on what of it stays."""

    def _render_traceback_(self, *_: object) -> list[str]:
        """What a notebook shows."""
        return [f"{type(self).__name__}: {self}"]


class AvonWarning(UserWarning):
    """Base of every warning of this package."""


class DefinitionsDiffer(AvonWarning):
    """Two cohorts that are compared differ in as_of, grace or another of their definitions."""


class SharedSlots(AvonWarning):
    """Two cohorts that are compared hold slots in common, so they are not independent."""
