"""What all commands have in common: how they are found, and how their help shows flags."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any

from typer.core import TyperGroup

from avon_analytics.printable import printable


class PlainGroup(TyperGroup):
    """Commands whose help shows a flag as a flag, without the word for its type."""

    def get_params(self, ctx: Any) -> Any:
        """The options of the group itself."""
        return _as_flags(super().get_params(ctx))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of a name, or None."""
        found = super().get_command(ctx, cmd_name)
        if found is not None:
            _as_flags(found.get_params(ctx))
        return found


@contextmanager
def _printable_errors() -> Iterator[None]:
    """What typer says repeats arguments, as they are."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise Interruption(str(error)) from None
    except Exception as error:
        if isinstance(message := getattr(error, "message", None), str):
            error.message = printable(_with_nearest(message), lines=True)  # type: ignore[attr-defined]
        raise


def _with_nearest(message: str) -> str:
    """What typer says of a word that an option does not know, with the one probably meant."""
    found = re.fullmatch(r"Value error, ('(.*)' is not one of ('.+')\.)", message, re.DOTALL)
    if found is None:
        return message
    plain, given, choices = found.groups()
    near = get_close_matches(given, re.findall(r"'([^']*)'", choices), n=1)
    return f"{plain} Did you mean {near[0]!r}?" if near else plain


def _as_flags(parameters: Any) -> Any:
    for parameter in parameters:
        if getattr(parameter, "is_flag", False):
            parameter.metavar = ""
    return parameters


class Interruption(BaseException):
    """An interrupted command, with what is to be said: typer would keep KeyboardInterrupt quiet."""


class Commands(PlainGroup):
    """All commands; those of figures that cannot be had are refused with the reason."""

    def make_context(self, *args: Any, **options: Any) -> Any:
        """The context that the options of all commands give."""
        with _printable_errors():
            return super().make_context(*args, **options)

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        with _printable_errors():
            return super().invoke(ctx)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of a name. Raises NeedsScheduleTemplate for a figure that cannot be had."""
        found = super().get_command(ctx, cmd_name)
        if found is None and cmd_name in ("fill-rate", "third-next-available"):
            from avon_analytics.appointments.refused import refuse

            refuse(cmd_name.replace("-", "_"))
        return found
