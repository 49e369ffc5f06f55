"""A figure in a notebook: the table that the report would print, safe to show anywhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pandas as pd
import pytest
from rich.console import Console

import avon_analytics as avon
from avon_analytics.errors import UsageError

if TYPE_CHECKING:
    from tests.report.conftest import MadeUp

Cells = list[list[str]]


def outcomes(clinic: MadeUp, *hosts: str | None) -> pd.DataFrame:
    rows = [
        clinic.outcome_row(
            *(80, 20, 10, 5, 5, 0), host=host, host_name=name, period_on=pd.Timestamp(on)
        )
        | {"is_mature": on == "2025-01-01", "is_whole": True}
        for host, name in zip(hosts, ["Ada Testwell", None], strict=False)
        for on in ("2025-01-01", "2025-04-01")
    ]
    frame = clinic.frame(rows, rows[0])
    frame.attrs |= {
        "figure": "outcomes",
        "every": "quarter",
        "definition": "Slots <by> how they ended.",
        "as_of": "2025-05-01T12:00:00+00:00",
    }
    return frame


def read(html: str) -> tuple[str, Cells]:
    """The text of the whole, and of each cell of the table."""
    tree = ElementTree.fromstring(html)
    rows = [[" ".join("".join(c.itertext()).split()) for c in row] for row in tree.iter("tr")]
    return " ".join("".join(tree.itertext()).split()), rows


def test_shares_periods_names_and_all(clinic: MadeUp) -> None:
    frame = outcomes(clinic, "user_1", None)
    text, (head, *rows, total) = read(avon.show(frame)._repr_html_())
    assert head[:4] == ["Host", "Quarter", "No\N{NON-BREAKING HYPHEN}show share", "Slots"]
    assert [row[:3] for row in rows] == [
        ["Ada Testwell", "Q1 2025", "20.0 % of 100, 13.3–28.9"],
        ["Ada Testwell", "Q2 2025 not complete", "20.0 % of 100, 13.3–28.9"],
        ["not known", "Q1 2025", "20.0 % of 100, 13.3–28.9"],
        ["not known", "Q2 2025 not complete", "20.0 % of 100, 13.3–28.9"],
    ]
    assert total[:5] == ["All", "", "20.0 % of 400, 16.4–24.2", "480", "320"]
    assert "Outcomes by host and quarter" in text
    assert "Below a share: of how many, and the 95 % interval." in text
    assert "As of 1 May 2025, 12:00 UTC." in text
    assert "Slots <by> how they ended." in text


def test_nothing_in_it_runs_or_asks_for_anything_and_it_prints(clinic: MadeUp) -> None:
    frame = outcomes(clinic, "user_1", None)
    frame["host_name"] = '<script>alert(1)</script> <img src="https://example.org/x">'
    html = avon.show(frame)._repr_html_()
    assert "<script" not in html
    assert "<img" not in html
    assert "&lt;script&gt;" in html
    assert not re.search(r"https?:|url\(|@import| on\w+=", html.replace("https://example.org", ""))
    assert "@media print" in html
    # No colour of its own: it stands out on whatever paper the notebook has.
    assert set(re.findall(r"#[0-9a-f]{3,6}\b|rgba?\([^)]*\)", html)) == {
        "rgba(128,128,128,.4)",
        "rgba(128,128,128,.15)",
    }


def test_the_name_of_a_group_that_goes_on_stands_back(clinic: Any) -> None:
    tree = ElementTree.fromstring(avon.show(outcomes(clinic, "user_1", None))._repr_html_())
    kinds = [row.get("class") for row in tree.iter("tr")]
    assert kinds == [None, None, "open again", None, "open again", "total"]


def test_the_figure_stays_what_it_is_and_text_is_the_terminals(clinic: MadeUp) -> None:
    frame = outcomes(clinic, "user_1", None)
    before = frame.copy()
    shown = avon.show(frame, title="Winter")
    pd.testing.assert_frame_equal(frame, before)
    lines = [" ".join(line.split()) for line in repr(shown).splitlines()]
    assert lines[0] == "Winter"
    assert "Ada Testwell 2025-Q1 20.0 % 100 13.3–28.9 120 80 20 10 5" in lines
    assert "<caption><span>Winter</span></caption>" in shown._repr_html_()


def test_a_notebook_shows_the_table_and_nothing_beside_it(
    clinic: MadeUp, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What prints tables shows them by itself where it finds a notebook around it."""
    shown = avon.show(outcomes(clinic, "user_1", None))
    text = str(shown)
    notebook = type("ZMQInteractiveShell", (), {})()
    monkeypatch.setattr("builtins.get_ipython", lambda: notebook, raising=False)
    assert Console().is_jupyter
    assert str(shown) == text
    assert capsys.readouterr().out == ""


def test_long_figures_are_cut_and_it_is_said(clinic: MadeUp) -> None:
    frame = pd.concat([outcomes(clinic, "user_1", None)] * 60, ignore_index=True)
    text, rows = read(avon.show(frame)._repr_html_())
    assert len(rows) == 1 + 200 + 1 + 1
    assert rows[-2][0] == "40 more"
    assert set(rows[-2][2:]) == {"…"}
    assert rows[-1][2].startswith("20.0 % of 24,000")
    assert "40 more rows in the DataFrame. The row 'All' counts them too." in text
    # A notebook makes the text of it, too: thousands of rows took many seconds.
    printed = [" ".join(line.split()) for line in str(avon.show(frame)).splitlines()]
    assert len([line for line in printed if re.search(r"2025-Q\d", line)]) == 200
    assert [line for line in printed if line.startswith("All 20.0 % 24,000")]
    assert "40 more rows in the DataFrame. The row 'All' counts them too." in printed


def test_totals_are_of_all_rows_and_blank_where_one_is(clinic: MadeUp) -> None:
    frame = outcomes(clinic, "user_1", None)
    frame["n_no_show"] = frame["n_no_show"].astype("Int64")
    frame.loc[1, "n_no_show"] = pd.NA
    _, rows = read(avon.show(frame)._repr_html_())
    assert rows[-1][:6] == ["All", "", "–", "480", "320", "–"]


@pytest.mark.parametrize("given", [None, pd.DataFrame({"a": [1]}), "outcomes"])
def test_what_is_no_figure_is_refused(given: Any) -> None:
    with pytest.raises(UsageError, match="expected a figure"):
        avon.show(given)
