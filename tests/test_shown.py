"""What objects and errors show of themselves, in a notebook and as plain text."""

from __future__ import annotations

import linecache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import avon_analytics as avon
from avon_analytics.display import Counts
from avon_analytics.errors import UnknownGroup
from avon_analytics.suggestions import did_you_mean


class Valid(HTMLParser):
    """Checks that tags balance, and that there is no script; gathers the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        assert tag != "script"
        assert not [name for name, _ in attrs if name.startswith("on")]
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_objects_are_small_tables_and_plain_text(tiny: Any) -> None:
    store = avon.open(tiny.db)
    for one in (store, store.appointments(start="2025-01-01"), tiny.receipt, store.quality()):
        page = Valid(one._repr_html_())
        plain = repr(one)
        assert "object at 0x" not in plain
        assert len(plain.splitlines()) < 30
        heads = {"check", "finding", "meaning"}
        for text in set(page.text[1:]) - heads:  # behind the caption
            assert all(line.strip() in plain for line in text.splitlines()), text


def test_what_a_user_gave_is_escaped(tiny: Any, tmp_path: Path) -> None:
    store = avon.open(tiny.copy(tmp_path / "a.duckdb"))
    with store, store._database.writing() as connection:
        connection.execute("UPDATE stored.appointments_versions SET host = '<b>&'")
    cohort = avon.open(tmp_path / "a.duckdb").appointments(where={"host": "<b>&"})
    assert "<b>&" in repr(cohort)
    assert "<b>&" in Valid(cohort._repr_html_()).text[2]


def test_a_store_that_is_not_there_shows_itself_all_the_same(tmp_path: Path) -> None:
    assert "nothing yet: load an archive" in repr(avon.open(tmp_path / "none.duckdb"))


def test_completion_is_a_table_of_contents(tiny: Any) -> None:
    store = avon.open(tiny.db)
    visits = store.appointments()
    assert {"load", "table", "tables", "sql", "appointments", "report"} <= set(dir(store))
    assert {"outcomes", "funnel", "cancellations", "slots", "lifecycle"} <= set(dir(visits))
    for one in (store, visits):
        assert not [name for name in dir(one) if name.startswith("_")]
        assert all(hasattr(one, name) for name in dir(one))
    assert "settings" not in dir(visits)
    assert {"min_count", "as_of"} <= set(dir(visits))
    assert {"lines", "files", "as_dict", "warning"} <= set(dir(tiny.receipt))
    assert {"drift", "summary"} <= set(dir(store.quality()))


def test_levels_and_numbers_of_a_card_are_set() -> None:
    card = Counts(
        "Told",
        [("Lines", "1,200", "read"), ("  <loaded>", "7", ""), ("    of these", "0", "& more")],
        warning="CAREFUL",
        notes=["a.jsonl: cut"],
    )
    assert card.as_text() == (
        "CAREFUL\n"
        "Lines         1,200  read\n"
        "  <loaded>        7\n"
        "    of these      0  & more\n"
        "a.jsonl: cut"
    )
    html = card.as_html()
    told = ["CAREFUL", "Told", "Lines", "1,200", "read", "<loaded>", "7", "of these", "0", "& more"]
    assert Valid(html).text == [*told, "a.jsonl: cut"]
    assert html.count("text-align:right") == 3
    assert ("padding-left:1.5em" in html, "padding-left:2.5em" in html) == (True, True)


def rendered(tiny: Any, source: str) -> str:
    """What a notebook shows for the error of a cell."""
    name = "<cell>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    names = {"visits": avon.open(tiny.db).appointments(), "__name__": "__main__"}
    with pytest.raises(avon.errors.AvonError) as caught:
        exec(compile(source, name, "exec"), names)
    return "\n".join(caught.value._render_traceback_(None, None, None))


def test_an_error_in_a_notebook_is_one_readable_block(tiny: Any) -> None:
    shown = rendered(tiny, "x = 1\nvisits.outcomes(by='hots')\n")
    lines = shown.splitlines()
    assert lines[0] == "line 2: visits.outcomes(by='hots')"
    assert lines[2].startswith("UnknownGroup: unknown grouping 'hots'. Did you mean 'host'?")
    assert max(map(len, lines)) <= 120
    assert "Traceback" not in shown
    assert str(Path(avon.__file__).parent) not in shown


def test_a_secret_typed_into_a_call_is_not_repeated(tiny: Any) -> None:
    source = "import avon_analytics as avon\navon.open('x.duckdb').load('/no', secrets='whsec_1')\n"
    shown = rendered(tiny, source)
    assert shown.splitlines()[0] == "line 2"
    assert "whsec_1" not in shown


def test_ipython_shows_that_block_and_keeps_other_tracebacks(
    tiny: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell()
    shell.user_ns["visits"] = avon.open(tiny.db).appointments()
    shell.run_cell("visits.funnel(unit='visit')")
    ours = capsys.readouterr().out
    assert "UnknownGroup: unknown unit 'visit'" in ours
    assert "Traceback" not in ours
    assert "cohort.py" not in ours
    shell.run_cell("1 / 0")
    assert "Traceback" in capsys.readouterr().out


def test_an_error_without_a_line_or_a_message_shows_itself_too() -> None:
    assert UnknownGroup("one\ntwo")._render_traceback_() == ["UnknownGroup: one\\ntwo"]
    assert UnknownGroup()._render_traceback_() == ["UnknownGroup: "]


def test_a_path_that_is_not_there_names_the_one_that_was_meant(tmp_path: Path) -> None:
    for name in ("archive", "sample.duckdb", "notes.txt", ".hidden"):
        (tmp_path / name).touch()
    assert did_you_mean(tmp_path / "archve") == f" Did you mean {tmp_path / 'archive'}?"
    assert did_you_mean(tmp_path / "avon.duckdb") == f" Did you mean {tmp_path / 'sample.duckdb'}?"
    assert did_you_mean(tmp_path / "quite-other") == ""
    (tmp_path / "w.duckdb").touch()  # alike in nothing but the ending
    assert did_you_mean(tmp_path / "none.duckdb") == ""
    assert did_you_mean(tmp_path / "sampel.duckdb").endswith("sample.duckdb?")
    assert did_you_mean(tmp_path / "nowhere" / "archive") == ""
