"""What all commands have in common: how they are found, and how their help shows flags."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from typing import Any

from typer import Typer
from typer.core import TyperGroup
from typer.main import get_command_name
from typer.models import CommandInfo, TyperInfo

from avon_analytics.figures.words import PERIODS_ELSEWHERE
from avon_analytics.printable import as_message
from avon_analytics.suggestions import meant_word
from avon_analytics.whole_file import is_store


class PlainGroup(TyperGroup):
    """Commands whose help shows a flag as a flag, without the word for its type."""

    def make_context(self, *args: Any, **options: Any) -> Any:
        """The context that the options before a command give."""
        with _options_follow_commands():
            return super().make_context(*args, **options)

    def get_params(self, ctx: Any) -> Any:
        """The options of the group itself."""
        return _as_flags(super().get_params(ctx))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of a name, or None."""
        found = super().get_command(ctx, cmd_name)
        if found is not None:
            _as_flags(found.get_params(ctx))
        return found


def called(commands: Typer, arguments: Sequence[str]) -> Typer:
    """These commands; where the first argument is the name of one, that one alone.

    To make all of them takes longer than many a command.
    """
    named = [group for group in commands.registered_groups if _name_of(group)]
    unnamed = [group for group in commands.registered_groups if not _name_of(group)]
    apart = [one for group in unnamed for one in _typer_of(group).registered_commands]
    every = [*commands.registered_commands, *apart]
    name = next(iter(arguments), "")
    alone = copy(commands)
    alone.registered_groups = [group for group in named if _name_of(group) == name]
    alone.registered_commands = [one for one in every if _command_name(one) == name]
    return alone if alone.registered_groups or alone.registered_commands else commands


def _command_name(one: CommandInfo) -> str | None:
    return one.name or (get_command_name(one.callback.__name__) if one.callback else None)


def _typer_of(group: TyperInfo) -> Typer:
    assert group.typer_instance is not None
    return group.typer_instance


def _name_of(group: TyperInfo) -> str | None:
    name = _typer_of(group).info.name
    return name if isinstance(name, str) else None


@contextmanager
def _printable_errors() -> Iterator[None]:
    """What typer says repeats arguments, as they are."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise Interruption(str(error)) from None
    except Exception as error:
        if isinstance(said := getattr(error, "message", None), str):
            context = getattr(error, "ctx", None)
            said = _with_option(_with_command(_with_nearest(said), context), context)
            error.message = as_message(said, lines=True)  # type: ignore[attr-defined]
        ours = _OTHER_NAMES.get(getattr(error, "option_name", ""))
        options = _options_of(getattr(error, "ctx", None))
        if ours in options:
            error.possibilities = [ours]  # type: ignore[attr-defined]
        if getattr(error, "option_name", "") == "--every" and "--min-count" in options:
            error.message += _NO_PERIODS  # type: ignore[attr-defined]
        raise


@contextmanager
def _options_follow_commands() -> Iterator[None]:
    """Of an option before the command, which these commands together have not, where it belongs."""
    try:
        yield
    except Exception as error:
        given = getattr(error, "option_name", None)
        own = getattr(error, "possibilities", None) or ()
        if given and not any(one.startswith(given) for one in own):
            error.possibilities = []  # type: ignore[attr-defined]
            error.message += _BEHIND.format(given)  # type: ignore[attr-defined]
        raise


def _options_of(context: Any) -> list[str]:
    return [name for one in context.command.params for name in one.opts] if context else []


_NO_PERIODS = (
    ": this figure is of the window as a whole; ask for one window after the other, with --period "
    "or --start and --end"
)
_BEHIND = " here: options follow the command (COMMAND {} …)"
_OTHER_NAMES = {
    "--store": "--db",
    "--database": "--db",
    "--by": "--where",
    "--group-by": "--by",
    "--period": "--every",
    "--from": "--start",
    "--since": "--start",
    "--to": "--end",
    "--until": "--end",
}
"""What options are called elsewhere, and here; their letters alone would lead astray."""
_COMMANDS_ELSEWHERE = {
    "list": "quarantine list",
    "show": "quarantine show",
    "export": "quarantine export",
    "replay": "quarantine replay",
    "no-show": "outcomes",
    "no-shows": "outcomes",
    "attendance": "outcomes",
    "drift": "quality --section drift",
    "gaps": "quality --section coverage",
    "status": "tables",
    "stats": "tables",
    "info": "tables",
    "import": "load",
    "query": "sql",
    "trace": "explain",
    "help": "--help",
}
"""What commands are called elsewhere, or by who leaves out a word, and here."""


def _with_nearest(message: str) -> str:
    """What typer says of a word that an option does not know, with the one probably meant."""
    found = re.fullmatch(r"Value error, ('(.*)' is not one of ('.+')\.)", message, re.DOTALL)
    if found is None:
        return message
    plain, given, choices = found.groups()
    return plain + meant_word(given, re.findall(r"'([^']*)'", choices), PERIODS_ELSEWHERE)


def _with_command(message: str, context: Any) -> str:
    """What typer says of a command that is none, with the one that was meant: it is called
    otherwise here, or takes what was given."""
    said = re.match(r"No such command '(.+?)'\.", message, re.DOTALL)
    if said is None or "load" not in getattr(context.command, "commands", {}):
        return message
    given = said[1]
    if meant := _COMMANDS_ELSEWHERE.get(given.lower().replace("_", "-")):
        return f"{said[0]} Did you mean {meant}?"
    is_archive = os.path.lexists(given) and not is_store(Path(given))
    return f"{said[0]} Did you mean load {given}?" if is_archive else message


def _with_option(message: str, context: Any) -> str:
    """What typer says of a word too many, with the option that takes such a word."""
    options = _options_of(context)
    extra = re.fullmatch(r"Got unexpected extra argument\(s\) \((.+)\)", message, re.DOTALL)
    if extra is None:
        return message
    if extra[1].endswith("_share") and "--share" in options:  # Python's first argument
        return f"{message}. Did you mean --share {extra[1]}?"
    if os.path.lexists(extra[1]) and "--db" in options:
        return f"{message}. Did you mean --db {extra[1]}?"
    return message


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
