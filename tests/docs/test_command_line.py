"""docs/command-line.md names every command, every option and every default of the parser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from avon_analytics.cli.app import app
from avon_analytics.figures import FIGURES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "command-line.md"
ROW = re.compile(r"^\| `(--[\w-]+)[^`]*` \| .+ \| ?(.*?) ?\|$", re.MULTILINE)
SECTION = re.compile(r"^## `([\w -]+)`\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
OF_ALL = {"--help", "-h"}


def commands(command: Any, *names: str) -> Iterator[tuple[str, Any]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield " ".join(names), command
        return
    for name, child in inner.items():
        yield from commands(child, *names, name)


def options(command: Any) -> dict[str, Any]:
    """The options of a command, each with its default."""
    found = [p for p in command.params if p.param_type_name == "option"]
    return {p.opts[0]: p.default for p in found if p.opts[0] not in OF_ALL}


COMMANDS = dict(commands(typer.main.get_command(app)))
SECTIONS = dict(SECTION.findall(PAGE.read_text("utf-8")))
OF_FIGURES = dict(
    ROW.findall(
        PAGE.read_text("utf-8").partition("## What every figure takes")[2].partition("\n## ")[0]
    )
)


def told(name: str) -> dict[str, str]:
    """The options that the page tells of a command, each with its default."""
    own = dict(ROW.findall(SECTIONS[name]))
    return {**OF_FIGURES, **own} if name.replace("-", "_") in FIGURES else own


def test_every_command_has_a_section_and_an_entry() -> None:
    assert list(SECTIONS) == list(dict.fromkeys(SECTIONS))
    assert set(SECTIONS) == set(COMMANDS)
    listed = re.findall(r"^\| \[`([\w -]+)`\]", PAGE.read_text("utf-8"), re.MULTILINE)
    assert listed == list(SECTIONS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_told_and_none_is_invented(name: str) -> None:
    assert set(told(name)) - set(options(COMMANDS[name])) <= {"--every"}
    assert set(options(COMMANDS[name])) <= set(told(name))
    assert set(dict(ROW.findall(SECTIONS[name]))) <= set(options(COMMANDS[name]))


@pytest.mark.parametrize("name", COMMANDS)
def test_the_defaults_told_are_those_of_the_parser(name: str) -> None:
    for option, default in options(COMMANDS[name]).items():
        if default not in (None, False, ()):
            value = getattr(default, "value", default)
            assert told(name)[option] in (f"`{value}`", str(value)), option


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_an_example_and_help(name: str) -> None:
    assert re.search(rf"^avon-analytics {name}\b", SECTIONS[name], re.MULTILINE)
    assert COMMANDS[name].help
    for option in COMMANDS[name].params:
        assert getattr(option, "help", None), option.name
