"""What every workbook has: its properties, the head of a sheet, how it is printed, definitions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import IO, Any

import pandas as pd

from avon_analytics.report.charts.palette import light
from avon_analytics.report.words.dates import utc

HEAD_ROW = 3
"""The row of the headings, counted from 0: above it stand the title and as of when it is."""
_NOT_KNOWN = datetime(2000, 1, 1, tzinfo=UTC)


def new_book(frame: pd.DataFrame, part: IO[bytes], title: str) -> Any:
    """An empty workbook, dated by what is written into it: the same gives the same bytes."""
    from xlsxwriter import Workbook  # type: ignore[import-untyped]

    # Texts stay texts: none becomes a formula, a number or a link. Nothing is spilled to a folder
    # for all, where rows of patients would lie, and be left by a process that is killed.
    texts = {"strings_to_formulas": False, "strings_to_numbers": False, "strings_to_urls": False}
    book = Workbook(part, {**texts, "in_memory": True})
    as_of = frame.attrs.get("as_of")
    created = datetime.fromisoformat(as_of) if isinstance(as_of, str) else _NOT_KNOWN
    book.set_properties({"title": title, "created": created})
    return book


def head(sheet: Any, book: Any, title: str, as_of: object) -> None:
    """The title of a sheet, and as of when it is."""
    sheet.write_string(0, 0, title, book.add_format({"bold": True, "font_size": 16}))
    if as_of:
        quiet = book.add_format({"font_color": light("muted")})
        sheet.write_string(1, 0, f"As of {utc(str(as_of))}", quiet)


def on_paper(sheet: Any) -> None:
    """How a table is printed: as wide as a page, its headings on each."""
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(HEAD_ROW)
    sheet.set_footer("&L&A&R&P / &N")


def define(book: Any, sections: Mapping[str, Sequence[tuple[str, str]]]) -> None:
    """The sheet that says what was counted, what to mind, and what each column holds."""
    sheet = book.add_worksheet("Definitions")
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 1, 96)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 1)
    bold = book.add_format({"bold": True, "valign": "top", "text_wrap": True})
    above = book.add_format({"bold": True, "font_size": 14})
    wrap = book.add_format({"text_wrap": True, "valign": "top"})
    at = 0
    for title, lines in sections.items():
        sheet.write_string(at, 0, title, above)
        for nth, (name, meaning) in enumerate(lines, start=at + 1):
            sheet.write_string(nth, 0, name, bold)
            sheet.write_string(nth, 1, meaning, wrap)
            sheet.set_row(nth, 15 * max(-(-len(meaning) // 95), -(-len(name) // 32)))
        at += len(lines) + 2


def sheet_name(title: str) -> str:
    """A title as the name of a sheet."""
    name = re.sub(r"[\[\]:*?/\\]", " ", title).strip(" '")[:31]
    return name if name and name.lower() not in ("definitions", "chart", "history") else "Figure"
