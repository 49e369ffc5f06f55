"""The public face: what the package shows, that it is described, and what importing it costs."""

from __future__ import annotations

import builtins
import importlib
import inspect
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import avon_analytics as avon

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "data" / "sample"


def public_callables() -> Iterator[tuple[str, Any]]:
    """Every function, class and method that a user can reach from ``import avon_analytics``."""
    for name in dir(avon):
        found = getattr(avon, name)
        if isinstance(found, ModuleType):
            yield from (
                (f"{name}.{inner}", one)
                for inner, one in vars(found).items()
                if inner in getattr(found, "__all__", ())
                or (not inner.startswith("_") and getattr(one, "__module__", "") == found.__name__)
            )
        elif inspect.isclass(found):
            yield name, found
            ours = [kind for kind in found.__mro__ if kind.__module__.startswith("avon_analytics")]
            for inner, one in {k: v for kind in ours[::-1] for k, v in vars(kind).items()}.items():
                if not inner.startswith("_") and (inspect.isfunction(one) or _is_property(one)):
                    yield f"{name}.{inner}", one
        elif callable(found):
            yield name, found


def _is_property(one: Any) -> bool:
    return isinstance(one, property)


PUBLIC = dict(public_callables())


def test_all_is_what_there_is() -> None:
    assert len(set(avon.__all__)) == len(avon.__all__)
    assert sorted([*avon.__all__, "open"]) == dir(avon)
    for name in avon.__all__:
        assert getattr(avon, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'stroe'"):
        avon.stroe  # noqa: B018


def test_all_of_it_can_be_imported_without_hiding_a_builtin() -> None:
    for package in ("avon_analytics", "avon_analytics.spark"):
        named = set(importlib.import_module(package).__all__)
        assert named
        assert named & set(dir(builtins)) == set()


def test_pages_and_notebooks_import_nothing_from_the_inside() -> None:
    """What is told to users is what stays: names of the package itself, and its cluster."""
    pages = [ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("notebooks/*.ipynb")]
    imported = [
        name
        for page in pages
        for name in re.findall(
            r"(?:from|import) +(avon_analytics[\w.]*)(?= *(?:import|as|,|\n|\\n|$))",
            page.read_text("utf-8"),
        )
    ]
    assert len(imported) > 5
    assert set(imported) <= {"avon_analytics", "avon_analytics.spark"}


def test_what_a_call_takes_and_gives_is_public() -> None:
    """No method of a public class hands out an object of a class that has no public name."""
    public = {one for one in PUBLIC.values() if inspect.isclass(one)}
    handed = {}
    for name, one in PUBLIC.items():
        function = one.fget if isinstance(one, property) else one
        if inspect.isfunction(function):
            found = function.__globals__.get(str(function.__annotations__["return"]))
            if inspect.isclass(found) and found.__module__.startswith("avon_analytics"):
                handed[name] = found
    assert {name for name, found in handed.items() if found not in public} == set()
    assert handed["Store.quarantine"] is avon.Quarantine


def test_the_public_face_is_as_large_as_one_thinks() -> None:
    """Guards the two tests below against looking at nothing."""
    assert {
        "Store",
        "Store.load",
        "Store.sql",
        "Cohort.outcomes",
        "Cohort.signals",
        "open",
        "write_sample",
    } <= set(PUBLIC)
    assert {"errors.AvonError", "errors.StoreError", "Receipt.lines", "Receipt.as_dict"} <= set(
        PUBLIC
    )


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_described(name: str) -> None:
    one = PUBLIC[name]
    described = inspect.getdoc(one) if not inspect.isclass(one) else one.__doc__
    assert described, f"{name} has no docstring"
    # A dataclass writes its own signature where nobody writes a docstring.
    assert not described.startswith(f"{name.split('.')[-1]}("), f"{name} has no docstring"


@pytest.mark.parametrize("name", [n for n, one in PUBLIC.items() if not inspect.isclass(one)])
def test_every_public_function_has_types(name: str) -> None:
    one = PUBLIC[name]
    function: Any = one.fget if isinstance(one, property) else one
    signature = inspect.signature(function)
    untyped = [
        parameter.name
        for parameter in signature.parameters.values()
        if parameter.annotation is parameter.empty and parameter.name != "self"
    ]
    assert untyped == []
    assert signature.return_annotation is not signature.empty


def test_every_error_has_an_exit_code_and_stands_in_the_drawn_tree() -> None:
    drawn = avon.errors.__doc__ or ""
    for name, one in PUBLIC.items():
        if inspect.isclass(one) and issubclass(one, Exception):
            assert issubclass(one, Warning) or getattr(one, "exit_code", None) in (1, 2, 3, 4)
            assert name.removeprefix("errors.") in drawn


def test_types_are_shipped() -> None:
    assert (Path(avon.__file__).parent / "py.typed").is_file()


# What importing costs


def in_a_new_process(code: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    return json.loads(done.stdout)


def at_best(code: str) -> list[float]:
    """The least of each number in three runs: the first may compile, others may be disturbed."""
    return [
        min(numbers) for numbers in zip(*(in_a_new_process(code) for _ in range(3)), strict=True)
    ]


def test_importing_costs_little_beyond_pandas_and_duckdb() -> None:
    """As a ratio in one process, so that it is the same on a slow machine: 0.6 to 0.8 here."""
    code = """
import json, time
def cost(action):
    # Time of this process, so that a busy machine does not count.
    start = time.process_time(); action(); return time.process_time() - start
def engine():
    import duckdb, pandas
def package():
    import avon_analytics
def face():
    import avon_analytics; avon_analytics.Store
print(json.dumps([cost(engine), cost(package), cost(face)]))
"""
    engine, package, face = at_best(code)
    assert package < 0.1 * engine
    assert face < 1.2 * engine


def test_importing_brings_nothing_that_is_used_elsewhere() -> None:
    code = """
import json, sys
import avon_analytics; avon_analytics.Store
heavy = ("altair", "jinja2", "pyspark", "rich", "scipy", "typer", "vl_convert", "xlsxwriter")
print(json.dumps([name for name in heavy if name in sys.modules]))
"""
    assert in_a_new_process(code) == []


def test_a_load_needs_no_pandas() -> None:
    """Nor pyarrow, which pandas imports where it is there: together longer than a small load."""
    code = f"""
import json, sys
import avon_analytics as avon
receipt = avon.open(":memory:").load({str(SAMPLE)!r}, secrets={{"of": "another"}}, progress=False)
print(json.dumps([receipt.lines, [one for one in ("pandas", "pyarrow") if one in sys.modules]]))
"""
    lines, heavy = in_a_new_process(code)
    assert lines > 0
    assert heavy == []


def test_help_is_there_at_once() -> None:
    """0.2 s, where importing pandas and duckdb takes 0.4."""
    engine = """
import json, time
import duckdb, pandas
print(json.dumps([time.process_time()]))
"""
    code = """
import contextlib, io, json, sys, time
from avon_analytics.cli import app
with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.suppress(SystemExit):
    app(["--help"])
print(json.dumps([len(out.getvalue()), time.process_time()]))
"""
    shown, seconds = at_best(code)
    assert shown > 1000
    assert seconds < 1.2 * at_best(engine)[0]


def test_help_waits_for_no_engine() -> None:
    code = """
import contextlib, io, json, sys
from typer.main import get_command
from avon_analytics.cli.app import app
def lines(command, words):
    yield words
    for name, inner in getattr(command, "commands", {}).items():
        yield from lines(inner, [*words, name])
shown = 0
for words in list(lines(get_command(app), [])):
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.suppress(SystemExit):
        app([*words, "--help"])
    shown += "Usage" in out.getvalue()
heavy = ("duckdb", "pandas", "altair", "numpy", "vl_convert")
print(json.dumps([shown, [name for name in heavy if name in sys.modules]]))
"""
    shown, heavy = in_a_new_process(code)
    assert shown >= 12
    assert heavy == []


# One version


def test_there_is_one_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["hatch"]["version"]["path"] == "avon_analytics/version.py"
    assert avon.__version__ == version("avon-analytics")
