"""Folders as they grow on real disks: links, pipes, and what may not be read."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import avon_analytics as avon
from avon_analytics.errors import ArchiveError
from avon_analytics.intake.archive.files import find_files
from avon_analytics.intake.read.verify import verify_archive

if TYPE_CHECKING:
    from tests.intake.conftest import Archive, Desk

PLAIN_USER = 65534

pytestmark = pytest.mark.any_engine


@contextmanager
def as_plain_user() -> Iterator[None]:
    """Root may read everything, so that it is laid down."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(PLAIN_USER)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder to which every user has a way."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755)
    shutil.rmtree(folder)


def names(*paths: Path | str, below: Path) -> list[str]:
    return [os.path.relpath(file.path, below) for file in find_files(paths).files]


def write(folder: Path, *files: str) -> None:
    for name in files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}\n")


# -- links ----------------------------------------------------------------------------------------


def test_links_are_followed_once(archive: Archive, desk: Desk, tmp_path: Path) -> None:
    """A year that lies elsewhere, and names for what is there already."""
    inside, outside = archive.folder, tmp_path / "disk2"
    one, two, three = (archive.raw(archive.patient(ms)) for ms in range(3))
    archive.write(one, name="2024/a.jsonl")
    archive.write(two, name="../disk2/2023/b.jsonl")
    archive.write(three, name="../disk2/c.jsonl")
    (inside / "2023").symlink_to(outside / "2023")
    (inside / "again").symlink_to(outside / "2023")
    (inside / "current").symlink_to("2024")
    (inside / "a.jsonl").symlink_to("2024/a.jsonl")
    (inside / "c.jsonl").symlink_to(outside / "c.jsonl")
    (inside / "notes.txt").symlink_to(outside / "c.jsonl")  # another name of an archive file
    receipt = desk.load(inside)
    assert (receipt.lines, receipt.loaded, receipt.files_passed_over) == (3, 3, 0)
    assert names(inside, below=inside) == ["2023/b.jsonl", "2024/a.jsonl", "c.jsonl"]
    assert desk.load(inside).files_unchanged == 3
    # Whatever is named beside it adds nothing, and renames nothing.
    assert names(inside / "current", inside, inside / "a.jsonl", below=inside) == [
        "2023/b.jsonl",
        "c.jsonl",
        "current/a.jsonl",
    ]
    assert names(inside / "a.jsonl", inside, below=inside)[1] == "2024/a.jsonl"


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    write(tmp_path, "x/a.jsonl", "y/b.jsonl")
    (tmp_path / "x" / "up").symlink_to(tmp_path)
    (tmp_path / "x" / "here").symlink_to(".")
    (tmp_path / "y" / "x").symlink_to(tmp_path / "x")
    assert names(tmp_path, below=tmp_path) == ["x/a.jsonl", "y/b.jsonl"]
    assert names(f"{tmp_path}/**/*.jsonl", below=tmp_path) == ["x/a.jsonl", "y/b.jsonl"]
    assert names(f"{tmp_path}/y/**/*.jsonl", below=tmp_path) == ["y/b.jsonl", "y/x/a.jsonl"]


LEADS_NOWHERE: dict[str, Callable[[Path], None]] = {
    "dangling": lambda link: link.symlink_to("gone"),
    "a dangling folder": lambda link: link.symlink_to("gone/"),
    "looping": lambda link: link.symlink_to(link.name),
    "through a file": lambda link: link.symlink_to("a.jsonl/x"),
}


@pytest.mark.parametrize("make", LEADS_NOWHERE)
@pytest.mark.parametrize("name", ["2023", "b.jsonl"])
def test_a_link_that_leads_nowhere_ends_the_load_before_a_line_is_stored(
    archive: Archive, desk: Desk, make: str, name: str
) -> None:
    archive.write(archive.raw(archive.patient()), name="a.jsonl")
    LEADS_NOWHERE[make](archive.folder / name)
    for path in (archive.folder, f"{archive.folder}/*", archive.folder / name):
        with pytest.raises(ArchiveError, match=f"cannot read .*{name}: it is a link that leads"):
            desk.load(path)
    assert desk.column("SELECT count(*) FROM events") == [0]


# -- what is no file -------------------------------------------------------------------------------


def test_what_is_neither_a_file_nor_a_folder_is_passed_over_and_named(
    archive: Archive, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive.write(archive.raw(archive.patient()), name="a.jsonl")
    pipe, plug, link = (archive.folder / name for name in ("b.jsonl", "c.json", "d.jsonl"))
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    with socket.socket(socket.AF_UNIX) as server:
        monkeypatch.chdir(archive.folder)  # the name of a socket is short
        server.bind(plug.name)
        for path in (archive.folder, f"{archive.folder}/*"):
            receipt = desk.load(path)
            assert receipt.irregular == (str(pipe), str(plug), str(link))
            assert receipt.files_passed_over == 3
            assert f"{pipe}: neither a file nor a folder, passed over" in str(receipt)
            assert receipt.as_dict()["irregular"] == [str(pipe), str(plug), str(link)]
    assert desk.column("SELECT count(*) FROM events") == [1]


# -- what may not be read --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["2023", "b.jsonl", "2024/c.jsonl.gz"])
def test_what_may_not_be_read_ends_the_load_before_a_line_is_stored(
    archive: Archive, desk: Desk, open_folder: Path, name: str
) -> None:
    good = archive.write(archive.raw(archive.patient())).read_bytes()
    for path in ("a.jsonl", "2023/a.jsonl", "b.jsonl", "2024/c.jsonl.gz"):
        (open_folder / path).parent.mkdir(exist_ok=True)
        (open_folder / path).write_bytes(good)
    (open_folder / name).chmod(0)
    globs = ["*", "**/*.jsonl*", "*/*.jsonl*", "20*/**", "[2ab]*"]
    with as_plain_user():
        for where in (str(open_folder), *(f"{open_folder}/{one}" for one in globs)):
            if name == "b.jsonl" and where.endswith(("*/*.jsonl*", "20*/**")):
                continue
            with pytest.raises(ArchiveError, match=rf"cannot read .*{name}: Permission denied"):
                desk.load(where)
        with pytest.raises(ArchiveError, match="Permission denied"):
            desk.load(open_folder / name / ("a.jsonl" if name == "2023" else ""))
    assert desk.column("SELECT count(*) FROM events") == [0]
    assert desk.load(open_folder / "a.jsonl").loaded == 1


def test_a_closed_folder_that_no_glob_asks_for_is_no_matter(open_folder: Path) -> None:
    write(open_folder, "2024/a.jsonl", "2023/b.jsonl")
    (open_folder / "2023").chmod(0)
    with as_plain_user():
        assert names(f"{open_folder}/2024/*.jsonl", below=open_folder) == ["2024/a.jsonl"]
        assert names(f"{open_folder}/2024/**", below=open_folder) == ["2024/a.jsonl"]


# -- globs ----------------------------------------------------------------------------------------

GLOBS = {
    "*.jsonl": ["a.jsonl", "b.jsonl"],
    "a.*": ["a.jsonl", "a.txt"],
    "**/*.jsonl": ["a.jsonl", "b.jsonl", "x/c.jsonl", "x/y/d.jsonl"],
    "**/y/*": ["x/y/d.jsonl", "x/y/e.txt"],
    "x/**/d.jsonl": ["x/y/d.jsonl"],
    "x/../a.js?nl": ["a.jsonl"],
    "*": ["a.jsonl", "a.txt", "b.jsonl", "x/c.jsonl", "x/y/d.jsonl"],
    "**": ["a.jsonl", "b.jsonl", "x/c.jsonl", "x/y/d.jsonl"],
    "[!a].jsonl": ["b.jsonl"],
    ".h*": [".hidden.jsonl"],
    "*/y": ["x/y/d.jsonl"],
    "x*/": ["x/c.jsonl", "x/y/d.jsonl"],
}


@pytest.mark.parametrize("pattern", GLOBS)
@pytest.mark.parametrize("is_relative", [False, True])
def test_globs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pattern: str, is_relative: bool
) -> None:
    write(tmp_path, "a.jsonl", "b.jsonl", "a.txt", ".hidden.jsonl", "x/c.jsonl")
    write(tmp_path, "x/y/d.jsonl", "x/y/e.txt")
    monkeypatch.chdir(tmp_path)
    assert (
        names(pattern if is_relative else f"{tmp_path}/{pattern}", below=tmp_path) == GLOBS[pattern]
    )


def test_a_glob_that_names_nothing_is_told(tmp_path: Path) -> None:
    write(tmp_path, "a.jsonl")
    for pattern in ("*.json", "x/*", "a.jsonl/*", "**/b.*"):
        with pytest.raises(ArchiveError, match="no file matches"):
            find_files(f"{tmp_path}/{pattern}")


def test_where_there_is_no_file_at_all(tmp_path: Path) -> None:
    write(tmp_path, "notes.txt")
    store = avon.open(tmp_path / "clinic.duckdb")
    for ask in (partial(store.load, policy="skip"), partial(verify_archive, secrets="s")):
        with pytest.raises(ArchiveError, match="no path was given: name files, folders or globs"):
            ask([])
        with pytest.raises(ArchiveError, match=r"no archive file \(.*; 1 other file passed over"):
            ask(tmp_path)
    assert not (tmp_path / "clinic.duckdb").exists()
