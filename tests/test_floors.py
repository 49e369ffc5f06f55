"""The file list is the architecture: each floor stands on those below it and sees none above."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from itertools import takewhile
from pathlib import Path

import pytest

import avon_analytics

PACKAGE = Path(avon_analytics.__file__).parent
NAME = "avon_analytics"

# From the ground up. A module may import its own floor and every floor below it.
FLOORS = (
    {"errors", "version", "printable", "suggestions"},
    {"arguments"},
    {"figures", "contract", "whole_file", "small_file", "display"},
    {"store", "labels"},
    {"intake"},
    {"appointments"},
    {"spark", "receive"},
    {"report"},
    {"progress", "table_files", "quarantine", "looking"},
    {"explorer"},
    {"api"},
    {"cli"},
    {"__main__"},
)
# The rooms of a floor that has several, from the ground up: a room imports no other of its floor
# but those before it. What stands beside them may import each.
ROOMS = {
    "intake": ("archive", "read", "person", "write", "after"),
    "appointments": ("statistics", "slots", "rows", "calculated", "expectation", "behind"),
    "report": ("words", "tables", "charts", "plot", "terminal", "html", "workbook", "page"),
}
# The sample clinic bears witness against the rest, so it hardly knows it.
WITNESS = "samples"
WITNESS_STANDS_ON = {"errors", "contract", "intake.read.signature"}
# The front door shows what is on every floor, and opens it when it is asked for.
FRONT_DOOR = "__init__"

# What a floor leaves to others: a name outside the package that it must not import.
NOT_ON_FLOOR = {
    "contract": {"duckdb", "pandas", "os", "pathlib"},
    "appointments": {"os", "pathlib", "glob", "shutil", "tempfile", "hmac", "hashlib", "tomllib"},
    "report": {"duckdb", "sqlite3"},
    "cli": {"hmac"},
}


@dataclass(frozen=True)
class Import:
    """One module imports another; ``kind`` is load, call (inside a function) or typing."""

    by: str
    of: str
    kind: str


@cache
def modules() -> dict[str, ast.Module]:
    """Every module of the package by its name below it: ``store.look``, ``store`` for its init."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts)
        found[name] = ast.parse(path.read_text("utf-8"))
    return found


def _names(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    assert node.level == 0, "imports are written in full"
    assert node.module is not None
    for alias in node.names:
        whole = f"{node.module}.{alias.name}"
        yield whole if whole.removeprefix(f"{NAME}.") in modules() else node.module


def _walk(node: ast.AST, kind: str) -> Iterator[tuple[str, str]]:
    for child in ast.iter_child_nodes(node):
        inner = kind
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield from ((name, kind) for name in _names(child))
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            inner = "call"
        elif isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            inner = "typing"
        yield from _walk(child, inner)


@cache
def imports() -> list[Import]:
    """Every import of the package; read when a test first asks, not where tests are collected."""
    return [
        Import(by, of, kind) for by, tree in modules().items() for of, kind in _walk(tree, "load")
    ]


@cache
def ours() -> list[Import]:
    """Those of modules of the package itself, by their names below it."""
    return [
        Import(one.by, one.of.removeprefix(NAME).lstrip(".") or FRONT_DOOR, one.kind)
        for one in imports()
        if one.of.split(".")[0] == NAME
    ]


def unit(module: str) -> str:
    """The file or folder of the package that a module belongs to."""
    return module.split(".")[0]


def floor(module: str) -> int:
    """How high a module stands."""
    return next(n for n, units in enumerate(FLOORS) if unit(module) in units)


def drawing() -> list[str]:
    """The lines of the drawing in docs/architecture.md, from the roof down."""
    page = (PACKAGE.parent / "docs" / "architecture.md").read_text("utf-8")
    return page.partition("## The floors")[2].split("```")[1].splitlines()[1:]


def drawn() -> list[tuple[int, str]]:
    """Each floor of the drawing with its units."""
    found, number = [], -1
    for line in drawing():
        number = int(line[:3]) if line[:3].strip() else number
        if not line[4].isspace():  # what stands further in is a part of what stands above it
            found.append((number, line[4:].split()[0].rstrip("/").removesuffix(".py")))
    return found


def test_the_drawn_floors_are_those_of_the_imports() -> None:
    order = [unit for _, unit in drawn()]
    assert set(order) == set().union(*FLOORS) - {"__main__"}
    upwards = [
        one
        for one in ours()
        if {unit(one.by), unit(one.of)} <= set(order)
        and order.index(unit(one.of)) < order.index(unit(one.by))
    ]
    assert upwards == []
    numbers = [number for number, _ in drawn()]
    assert numbers == sorted(numbers, reverse=True)


def test_every_file_that_the_page_on_the_architecture_names_is_there() -> None:
    page = (PACKAGE.parent / "docs" / "architecture.md").read_text("utf-8")
    named = set(re.findall(r"`([\w/]+\.(?:py|sql))`", page))
    assert len(named) > 40
    files = {
        path.as_posix() for at in (PACKAGE, PACKAGE.parent / "tests") for path in at.rglob("*.*")
    }
    assert {name for name in named if not any(path.endswith(f"/{name}") for path in files)} == set()


def test_every_module_stands_on_a_floor() -> None:
    drawn = set().union(*FLOORS) | {WITNESS, FRONT_DOOR}
    assert {unit(module) for module in modules()} == drawn


def test_nothing_imports_upwards() -> None:
    upwards = [
        one
        for one in ours()
        if one.by != FRONT_DOOR
        and unit(one.by) != WITNESS
        and unit(one.of) not in (WITNESS, FRONT_DOOR)
        and floor(one.of) > floor(one.by)
    ]
    assert upwards == []


def test_units_of_one_floor_do_not_know_each_other() -> None:
    across = [
        one
        for one in ours()
        if {one.by, one.of}.isdisjoint({FRONT_DOOR})
        and WITNESS not in (unit(one.by), unit(one.of))
        and unit(one.by) != unit(one.of)
        and floor(one.by) == floor(one.of)
        and floor(one.by) > 0
    ]
    assert across == []


@pytest.mark.parametrize("floor_name", ROOMS)
def test_the_rooms_of_a_floor_are_drawn(floor_name: str) -> None:
    _, _, below = "\n".join(drawing()).partition(f" {floor_name}/ ")
    lines = takewhile(lambda line: line.startswith("      "), below.splitlines()[1:])
    rooms = tuple(line.split()[0].rstrip("/") for line in lines)
    assert rooms == ROOMS[floor_name][::-1]


@pytest.mark.parametrize("floor_name", ROOMS)
def test_the_rooms_of_a_floor_see_only_those_before_them(floor_name: str) -> None:
    rooms = ROOMS[floor_name]
    seen = [
        one
        for n, room in enumerate(rooms)
        for one in ours()
        if one.by.startswith(f"{floor_name}.{room}.")
        and one.of.startswith(f"{floor_name}.")
        and one.of.split(".")[1] not in rooms[: n + 1]
    ]
    assert seen == []


def test_the_witness_stands_alone() -> None:
    leans_on = {one.of for one in ours() if unit(one.by) == WITNESS and unit(one.of) != WITNESS}
    assert {of for of in leans_on if of not in WITNESS_STANDS_ON} == set()
    asked_by = {one.by for one in ours() if unit(one.of) == WITNESS and unit(one.by) != WITNESS}
    assert asked_by <= {FRONT_DOOR, "cli.app"}


def test_the_front_door_opens_when_it_is_asked_and_nobody_inside_uses_it() -> None:
    at_once = {one.of for one in ours() if one.by == FRONT_DOOR and one.kind == "load"}
    assert at_once == {"version"}
    assert [one for one in ours() if one.of == FRONT_DOOR] == []


def test_there_are_no_import_cycles() -> None:
    needs: dict[str, set[str]] = {module: set() for module in modules()}
    for one in ours():
        if one.by != FRONT_DOOR and one.of != one.by:
            needs[one.by].add(one.of)
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as cycle:
        pytest.fail(f"a cycle: {' -> '.join(cycle.args[1])}")


@pytest.mark.parametrize("floor_name", NOT_ON_FLOOR)
def test_a_floor_leaves_to_others_what_is_theirs(floor_name: str) -> None:
    outside = {
        (one.by, one.of.split(".")[0])
        for one in imports()
        if unit(one.by) == floor_name and one.kind != "typing"
    }
    assert {one for one in outside if one[1] in NOT_ON_FLOOR[floor_name]} == set()


def test_the_report_knows_no_sql_and_figures_open_no_files() -> None:
    for module, tree in modules().items():
        for node in ast.walk(tree):
            if unit(module) == "report" and isinstance(node, ast.Constant):
                assert not str(node.value).lstrip().startswith(("SELECT ", "WITH ")), module
            if unit(module) == "appointments" and isinstance(node, ast.Call):
                assert ast.unparse(node.func) != "open", module


def test_the_engine_is_not_imported_to_read_the_options() -> None:
    heavy = {"duckdb", "pandas", "numpy", "altair", "vl_convert", "rich", "pydantic"}
    at_once = {
        (one.by, one.of)
        for one in imports()
        if unit(one.by) in ("cli", "errors", "version", FRONT_DOOR, "__main__")
        and one.kind == "load"
        and one.of.split(".")[0] in heavy
    }
    assert at_once == set()
