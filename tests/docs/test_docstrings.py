"""Every public function has an example in its docstring, and every example runs as it stands.

It runs in a folder with ``archive``, ``secrets.toml`` and ``avon.duckdb``, a clinic of 30
appointments, where ``store`` is that file, opened, and ``visits`` are all its appointments.
"""

from __future__ import annotations

import doctest
import inspect
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import avon_analytics as avon

# What only waits to be called, or says itself all that there is to say.
NEEDS_NONE = {"as_dict"}
# Examples that are shown and not run, and where what they show is tested.
ELSEWHERE = {"Store.report": "tests/report: it takes ten seconds"}
READS_ONLY = ("Cohort.", "plot.")


def documented() -> Iterator[tuple[str, Any]]:
    """Every function and method of the public face."""
    for name in dir(avon):
        found = getattr(avon, name)
        if isinstance(found, ModuleType):
            functions = {inner: getattr(found, inner) for inner in getattr(found, "__all__", ())}
            yield from (
                (f"{name}.{inner}", one)
                for inner, one in functions.items()
                if inspect.isfunction(one)
            )
        elif inspect.isclass(found):
            for inner in dir(found):
                one = inspect.getattr_static(found, inner)
                if not inner.startswith("_") and inspect.isfunction(one):
                    yield f"{name}.{inner}", one
        elif inspect.isfunction(found):
            yield name, found


DOCUMENTED = dict(documented())


def examples(one: Any) -> list[doctest.Example]:
    return doctest.DocTestParser().get_examples(inspect.getdoc(one) or "")


def is_run(example: doctest.Example) -> bool:
    return not example.options.get(doctest.SKIP)


WITH_EXAMPLES = [name for name, one in DOCUMENTED.items() if any(map(is_run, examples(one)))]


@pytest.fixture(scope="module")
def shared(tiny: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the examples find it; what only reads shares it."""
    folder = tmp_path_factory.mktemp("examples")
    shutil.copytree(tiny.archive, folder / "archive")
    shutil.copy(tiny.secrets, folder)
    tiny.copy(folder / "avon.duckdb")
    return folder


@pytest.fixture(scope="module")
def opened(shared: Path) -> Iterator[avon.Store]:
    """One store for all that only reads, so that its slots are computed once."""
    with avon.open(shared / "avon.duckdb") as store:
        yield store


@pytest.fixture(scope="module")
def visits(opened: avon.Store) -> avon.Cohort:
    return opened.appointments()


def test_every_public_function_has_an_example() -> None:
    assert {"Store.sql", "Cohort.outcomes", "Quarantine.replay", "plot.save", "open"} <= set(
        DOCUMENTED
    )
    lacking = {
        name
        for name, one in DOCUMENTED.items()
        if name.rpartition(".")[2] not in NEEDS_NONE and not examples(one)
    }
    assert lacking == set()


def test_what_is_not_run_is_run_elsewhere() -> None:
    skipped = {name for name, one in DOCUMENTED.items() if not all(map(is_run, examples(one)))}
    assert skipped == set(ELSEWHERE)


def run(name: str, **names: Any) -> str:
    """What is amiss with the examples of a function; nothing if they print what they show."""
    docstring = inspect.getdoc(DOCUMENTED[name]) or ""
    known = {"avon": avon, "Path": Path, **names}
    test = doctest.DocTestParser().get_doctest(docstring, known, name, None, None)
    told: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=told.append)
    return "".join(told)


@pytest.mark.parametrize("name", [name for name in WITH_EXAMPLES if name.startswith(READS_ONLY)])
def test_an_example_that_reads_prints_what_it_shows(
    name: str,
    shared: Path,
    opened: avon.Store,
    visits: avon.Cohort,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(shared)
    assert run(name, store=opened, visits=visits) == ""


@pytest.mark.parametrize(
    "name", [name for name in WITH_EXAMPLES if not name.startswith(READS_ONLY)]
)
def test_an_example_of_a_store_prints_what_it_shows(
    name: str, shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(shared, tmp_path / "at")
    monkeypatch.chdir(folder)
    with avon.open("avon.duckdb") as store:
        assert run(name, store=store, visits=store.appointments()) == ""


def test_an_example_that_prints_something_else_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DOCUMENTED, "wrong", lambda: None)
    DOCUMENTED["wrong"].__doc__ = ">>> 1 + 1\n3"
    assert "Got:\n    2" in run("wrong")
