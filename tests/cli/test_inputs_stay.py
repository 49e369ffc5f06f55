"""A result is never written in place of what it was read from."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import avon_analytics as avon
from avon_analytics.errors import UsageError


@pytest.fixture(scope="module")
def loaded(tiny: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an archive, its secrets and the store that it was loaded into."""
    folder = tmp_path_factory.mktemp("loaded")
    shutil.copytree(tiny.archive, folder / "archive")
    shutil.copy(tiny.secrets, folder / "secrets.toml")
    first, second, *_ = sorted((folder / "archive").rglob("*.jsonl"))
    os.link(first, folder / "another-name.jsonl")
    os.symlink(second, folder / "link.jsonl")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        with avon.open() as store:
            store.load("archive", secrets=Path("secrets.toml"), progress=False)
    return folder


@pytest.fixture
def desk(loaded: Path, run: Any) -> Any:
    """The command line in that folder, in which no test may change anything."""
    return run.elsewhere(loaded)


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".std")
    }


COMMANDS = (
    ("outcomes", "--every", "month", "--format", "csv"),
    ("sql", "SELECT 1 AS n"),
    ("quarantine", "list", "--format", "xlsx"),
    ("quarantine", "export"),
    ("report",),
    ("report", "archive", "--secrets-file", "secrets.toml"),
    ("verify", "archive", "--secrets-file", "secrets.toml"),
)


_ENDINGS = {"csv": ".csv", "xlsx": ".xlsx"}


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_command_writes_over_what_it_reads(
    desk: Any, run: Any, command: tuple[str, ...]
) -> None:
    archive = sorted((desk.folder / "archive").rglob("*.jsonl"))
    named = ["avon.duckdb", str(archive[-1].relative_to(desk.folder))]
    if command == ("quarantine", "export"):
        named += ["another-name.jsonl", "link.jsonl"]
    if "--secrets-file" in command:
        named.append("secrets.toml")
    before = files(desk.folder)
    for out in named:
        told = desk(*command, "--out", out)
        assert (told.code, told.out, told.is_told_in_a_sentence) == (2, "", True), (out, told)
        assert files(desk.folder) == before
    ending = ".html" if command[0] == "report" else ".txt"
    for n, out in enumerate(named):  # whatever it is called, and whoever insists
        link = run.folder / f"{n}{_ENDINGS.get(command[-1], ending)}"
        link.symlink_to(desk.folder / out)
        told = desk(*command, "--out", link, "--force")
        assert (told.code, told.out, told.is_told_in_a_sentence) == (2, "", True), (out, told)
        assert "name another file for the result" in told.err
        assert files(desk.folder) == before
    result = run.folder / ("result.html" if command[0] == "report" else "result")
    # A page is the same work whether its archive is loaded first: it is written twice once.
    for options in ((),) if command[1:2] == ("archive",) else ((), ("--force",)):
        assert desk(*command, "--out", result, *options).code == 0
        assert result.stat().st_size > 0
    after = files(desk.folder)
    del before["avon.duckdb"], after["avon.duckdb"]  # a load is logged there
    assert after == before


def test_a_new_store_is_no_page(run: Any, tiny: Any) -> None:
    report = ("report", tiny.archive, "--secrets-file", tiny.secrets)
    told = run(*report, "--db", "same", "--out", "same")
    assert (told.code, told.is_told_in_a_sentence) == (2, True)
    assert not (run.folder / "same").exists()


def test_nor_does_python(desk: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(desk.folder)
    archive = sorted(Path("archive").rglob("*.jsonl"))[0]
    before = files(desk.folder)
    with avon.open() as store:
        for write in (store.report, store.quarantine.export):
            for out in ("avon.duckdb", archive):
                with pytest.raises(UsageError, match=r"name another file|a page of HTML"):
                    write(out)
    shutil.copy("avon.duckdb", tmp_path / "store.csv")
    with pytest.raises(UsageError, match="is a store"):
        avon.export(pd.DataFrame({"n": [1]}), tmp_path / "store.csv")
    assert files(desk.folder) == before


def test_the_list_of_files_beside_a_page_replaces_none_of_them(tiny: Any, tmp_path: Path) -> None:
    archive = next(tiny.archive.rglob("*.jsonl"))
    listed = tmp_path / "page.files.csv"
    shutil.copy(archive, listed)
    store = avon.open(tmp_path / "x.duckdb")
    store.load(listed, secrets=tiny.secrets, progress=False)
    with pytest.raises(UsageError, match=r"page.files.csv is what this is read from"):
        store.report(tmp_path / "page.html")
    assert listed.read_bytes() == archive.read_bytes()
    assert not (tmp_path / "page.html").exists()
