"""Writing a result where and how the user wants it."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

from avon_analytics.cli.options import Format
from avon_analytics.cli.streams import drop_output
from avon_analytics.cli.target import Target
from avon_analytics.errors import InputError
from avon_analytics.printable import in_json, printable, say
from avon_analytics.whole_file import write_whole

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd
    from rich.console import Group

_FILE_WIDTH = 160
_COLUMN_GAP = re.compile(r"(?<=\S) {2,}(?=\S)")
_FILLED = partial(fill, break_long_words=False, break_on_hyphens=False)
_READABLE = 20
"""How wide a column of words must be for its lines to stand below one another."""


class ReaderGone(Exception):
    """Whoever read standard output, such as head, has seen enough."""


def show(frame: pd.DataFrame, to: Target, *, title: str | None = None, as_is: bool = False) -> None:
    """Write a result to standard output or to a file; a file is written whole or not at all.

    ``as_is`` keeps the names of the columns where a table for the eye would say them in words.
    """
    form, out = to.form, to.out
    if form in (Format.parquet, Format.xlsx) and out is not None:
        from avon_analytics.table_files import write_as

        to.may_replace()
        say(printable(f"wrote {write_as(frame, out, form.value, title=title or 'Result')}"))
    elif out is not None:
        _write(_text(frame, form, as_is=as_is), to)
    elif form is Format.table:
        from avon_analytics.report.terminal.table import table

        show_table(table(_readable(frame), title=title, width=terminal_width(), as_is=as_is))
    else:
        emit(_text(frame, form, as_is=as_is))


def show_text(text: str, to: Target) -> None:
    """Write a text to standard output or to a file."""
    if to.out is None:
        emit(printable(text, lines=True))
    else:
        _write(text, to)


def show_chart(chart: alt.Chart, to: Target) -> None:
    """Write a chart to a file."""
    from avon_analytics.report import plot

    if to.out is not None:
        to.may_replace()
        say(printable(f"wrote {plot.save(chart, to.out)}"))


def _write(text: str, to: Target) -> None:
    if to.out is not None:
        to.may_replace(text)
        say(printable(f"wrote {write_whole(to.out, lambda part: part.write_text(text, 'utf-8'))}"))


def show_table(table: Group) -> None:
    """Write a table to standard output, in bold where somebody looks at it."""
    is_plain = bool(os.environ.get("NO_COLOR"))
    emit(_rendered(table, terminal_width(), is_plain=is_plain), is_rendered=True)


def terminal_width() -> int:
    """How many columns there are for a table."""
    from rich.console import Console

    return int(Console().width)


def emit_lines(text: str) -> None:
    """Write lines to standard output; a terminal has them broken between words at its width."""
    emit(f"{wrapped(text, terminal_width()) if sys.stdout.isatty() else text}\n")


def wrapped(text: str, width: int) -> str:
    """The same lines, broken between words where they are wider; columns keep to themselves."""
    lines = []
    for line in text.splitlines():
        column = max((gap.end() for gap in _COLUMN_GAP.finditer(line)), default=0)
        indent = " " * (column if 0 < column <= width - _READABLE else 2)
        lines.append(_FILLED(line, width, subsequent_indent=indent))
    return "\n".join(lines)


def emit(text: str, *, is_rendered: bool = False) -> None:
    """Write text to standard output; what its encoding lacks becomes a question mark.

    On a terminal without control characters, but for those of a table that ``is_rendered``.

    Raises ReaderGone if nobody reads it any more, InputError if it cannot be written.
    """
    encoding = sys.stdout.encoding or "utf-8"
    if sys.stdout.isatty() and not is_rendered:
        text = printable(text, lines=True)
    with _writing():
        sys.stdout.write(text.encode(encoding, "replace").decode(encoding))
        sys.stdout.flush()


def copy_out(path: Path) -> None:
    """Write the bytes of a file to standard output as they are.

    Raises ReaderGone if nobody reads it any more, InputError if it cannot be written.
    """
    with _writing():
        with path.open("rb") as source:
            shutil.copyfileobj(source, sys.stdout.buffer)
        sys.stdout.flush()


@contextmanager
def _writing() -> Iterator[None]:
    """Raise ReaderGone or InputError, with the reason, where standard output takes no more."""
    try:
        yield
    except BrokenPipeError:
        drop_output()
        raise ReaderGone from None
    except OSError as error:
        drop_output()
        reason = error.strerror or "the system refused"
        raise InputError(f"cannot write to standard output: {reason}") from None


def json_text(value: Any) -> str:
    """Plain values as JSON, for the eye and for programs."""
    return _json(value, indent=2)


def receipt_json(value: Any) -> str:
    """A receipt as JSON: one line where a log takes it, so that a log of them is JSON lines."""
    return _json(value, indent=2 if sys.stdout.isatty() else None)


def _json(value: Any, indent: int | None) -> str:
    return in_json(json.dumps(value, ensure_ascii=False, indent=indent)) + "\n"


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """A list of records: dates in ISO, missing as null."""
    from avon_analytics.table_files import plain

    return [
        {str(name): plain(value) for name, value in row.items()}
        for row in frame.to_dict(orient="records")
    ]


def _rendered(table: Group, width: int, *, is_plain: bool) -> str:
    from io import StringIO

    from rich.console import Console

    text = StringIO()
    colors: Any = None if is_plain else "auto"
    looked_at = Console().is_terminal
    Console(file=text, width=width, force_terminal=looked_at, color_system=colors).print(table)
    return text.getvalue()


def _text(frame: pd.DataFrame, form: Format, *, as_is: bool) -> str:
    if form is Format.json:
        return json_text(records(frame))
    if form is Format.csv:
        from avon_analytics.table_files import csv_text

        return csv_text(frame, as_is=as_is)
    frame = _readable(frame)
    from avon_analytics.report.terminal.table import table

    return _rendered(table(frame, width=_FILE_WIDTH), _FILE_WIDTH, is_plain=True)


def _readable(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame for the eye: lists and objects as JSON text, and nothing that cannot be seen."""
    readable = frame.copy(deep=False)
    for nth, dtype in enumerate(frame.dtypes):
        if dtype.kind == "O" and dtype != "str":
            readable.isetitem(nth, [_as_text(value) for value in frame.iloc[:, nth]])
    return harmless(readable)


def harmless(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with all its texts, names of columns included, as they can be printed."""
    shown = frame.rename(columns=lambda name: printable(name) if isinstance(name, str) else name)
    for nth, dtype in enumerate(shown.dtypes):
        if dtype == "str" or dtype.kind == "O":
            column = shown.iloc[:, nth]
            texts = [printable(one) if isinstance(one, str) else one for one in column]
            shown.isetitem(nth, type(column)(texts, column.index, dtype).array)
    return shown


def _as_text(value: Any) -> str | None:
    from avon_analytics.table_files import plain

    known = plain(value)
    return (
        known if known is None or isinstance(known, str) else json.dumps(known, ensure_ascii=False)
    )
