"""Where a result goes: ending and format agree, and what is not from here stays."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from avon_analytics.cli.options import Format
from avon_analytics.cli.target import refuse_what_is_not_ours, target
from avon_analytics.errors import UsageError

STRANGE = {
    "notes.txt": b"Things to do\n",
    "people.csv": b"name,phone\nAnn,1\n",
    "page.html": b"<!doctype html><title>Mine</title>",
    "list.json": b'[\n  {\n    "name": "Ann"\n  }\n]\n',
    "book.xlsx": b"PK\x03\x04 and nothing that can be read",
    "table.parquet": b"PAR1 and so on PAR1",
    "chart.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "chart.png": b"\x89PNG\r\n\x1a\n",
}


@pytest.mark.parametrize(
    ("form", "out", "is_written_as"),
    [
        (None, None, Format.table),
        (None, "a.csv", Format.csv),
        (None, "A.JSON", Format.json),
        (None, "a.b.parquet", Format.parquet),
        (None, "a.txt", Format.table),
        (None, "a.png", Format.png),
        (None, "a", Format.table),
        (Format.csv, "a", Format.csv),
        (Format.csv, "/dev/null", Format.csv),
        (Format.json, "a.json", Format.json),
        (Format.svg, "a.svg", Format.svg),
    ],
)
def test_the_ending_decides(form: Format | None, out: str | None, is_written_as: Format) -> None:
    found = target(form, None if out is None else Path(out), force=False, draws=True)
    assert found.form is is_written_as


@pytest.mark.parametrize(
    ("form", "out", "words"),
    [
        (None, "a.pdf", "say --format, or name a file that ends in .txt, .json, .csv"),
        (Format.csv, "a.pdf", "ends in .csv"),
        (Format.csv, "a.json", "ends in .csv"),
        (Format.table, "a.csv", "ends in .txt"),
        (Format.xlsx, None, "xlsx is no text: name a file with --out"),
        (Format.png, None, "png is no text"),
        (Format.png, "a", "ends in .png"),
    ],
)
def test_what_does_not_agree_is_wrong_usage(
    form: Format | None, out: str | None, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        target(form, None if out is None else Path(out), force=False, draws=True)
    with pytest.raises(UsageError, match="--format png: there is no chart of this"):
        target(Format.png, Path("a.png"), force=False)


@pytest.mark.parametrize("name", STRANGE)
def test_what_is_not_from_here_stays(run: Any, tiny: Any, name: str) -> None:
    path = run.folder / name
    path.write_bytes(STRANGE[name])
    command = ("report",) if name.endswith(".html") else ("outcomes", "--every", "year")
    told = run(*command, "--db", tiny.db, "--out", path)
    assert (told.code, told.is_told_in_a_sentence) == (2, True)
    assert f"{name} is there already, and not from here" in told.err
    assert path.read_bytes() == STRANGE[name]
    for options in (("--force",), ()):  # and then it is from here
        assert run(*command, "--db", tiny.db, "--out", path, *options).code == 0
        assert path.read_bytes() != STRANGE[name]


def test_a_report_is_a_page_and_replaces_no_list_of_others(run: Any, tiny: Any) -> None:
    for name in ("rep.pdf", "rep"):
        told = run("report", "--db", tiny.db, "--out", name)
        assert (told.code, told.is_told_in_a_sentence) == (2, True)
        assert f"{name}: the report is a page of HTML" in told.err
        assert "such as rep.html" in told.err
        assert not (run.folder / name).exists()
    beside = run.folder / "rep.files.csv"
    beside.write_text("mine\n")
    told = run("report", "--db", tiny.db, "--out", "rep.html")
    assert told.code == 2
    assert "rep.files.csv is there already" in told.err
    assert [path.name for path in run.folder.iterdir() if path.suffix] == ["rep.files.csv"]


def test_a_text_of_other_columns_is_not_of_before(run: Any, tiny: Any) -> None:
    out = ("--db", tiny.db, "--out", "a.csv")
    assert run("outcomes", *out).code == 0
    assert run("outcomes", "--start", "2025-06-01", *out).code == 0
    told = run("outcomes", "--every", "month", *out)
    assert (told.code, told.is_told_in_a_sentence) == (2, True)
    for section in ((), ("--section", "coverage", "--format", "table")):
        for _ in range(2):
            assert run("quality", "--db", tiny.db, "--out", "q.txt", *section, "--force").code == 0
    assert run("quarantine", "list", "--db", tiny.db, "--out", "q.json").code == 0
    assert run("quarantine", "list", "--db", tiny.db, "--out", "q.json").code == 0


def test_raw_lines_replace_nothing(run: Any, tiny: Any) -> None:
    for code in (0, 2):
        assert run("quarantine", "export", "--db", tiny.db, "--out", "q.jsonl").code == code


def test_what_looks_like_a_book_or_a_page_need_not_be_one(tmp_path: Path) -> None:
    book = tmp_path / "book.xlsx"
    with ZipFile(book, "w") as written:
        written.writestr("xl/workbook.xml", '<sheet name="Mine" sheetId="1"/>')
    data = tmp_path / "app.db"
    with sqlite3.connect(data) as connection:
        connection.execute("CREATE TABLE avon_analytics (n INTEGER)")
    connection.close()
    for path in (book, data):
        with pytest.raises(UsageError, match="not from here"):
            refuse_what_is_not_ours(path, "n\n1\n")
    (tmp_path / "empty").touch()
    refuse_what_is_not_ours(tmp_path / "empty")
    refuse_what_is_not_ours(tmp_path / "not there")
