"""Writing a DataFrame where and how the user wants it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avon_analytics.cli.options import Format
from avon_analytics.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd


def show(frame: pd.DataFrame, form: Format, out: Path | None, *, title: str | None = None) -> None:
    """Write a result to standard output or to a file; a file is written whole or not at all."""
    if form is Format.parquet:
        if out is None:
            raise UsageError("parquet is no text: name a file with --out")
        _write(out, lambda part: _parquet(frame, part))
        return
    if form is Format.table and out is None:
        from rich.console import Console

        from avon_analytics.report.terminal import print_table

        print_table(frame, Console(), title=title)
        return
    text = _text(frame, form)
    if out is None:
        sys.stdout.write(text)
    else:
        _write(out, lambda part: part.write_text(text, "utf-8"))


def say(message: str) -> None:
    """A word to the user, beside the result."""
    print(message, file=sys.stderr)


def _text(frame: pd.DataFrame, form: Format) -> str:
    if form is Format.json:
        return json.dumps(records(frame), ensure_ascii=False, indent=2) + "\n"
    if form is Format.csv:
        return str(frame.to_csv(index=False, lineterminator="\n", date_format="%Y-%m-%dT%H:%M:%S"))
    from io import StringIO

    from rich.console import Console

    from avon_analytics.report.terminal import print_table

    file = StringIO()
    print_table(frame, Console(file=file, width=160))
    return file.getvalue()


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """A list of records: dates in ISO, missing as null."""
    return [
        {str(name): _plain(value) for name, value in row.items()}
        for row in frame.to_dict(orient="records")
    ]


def _plain(value: Any) -> Any:
    import pandas as pd

    if value is None or (not isinstance(value, list | dict) and pd.isna(value)):
        return None
    if isinstance(value, pd.Timestamp):
        is_date = value.tzinfo is None and value == value.normalize()
        return value.date().isoformat() if is_date else value.isoformat()
    if hasattr(value, "item"):
        return value.item()
    return value if isinstance(value, bool | int | float | str | list | dict) else str(value)


def _parquet(frame: pd.DataFrame, part: Path) -> None:
    import duckdb

    connection = duckdb.connect()
    connection.register("result", frame)
    literal = str(part).replace("'", "''")
    connection.execute(f"COPY result TO '{literal}' (FORMAT parquet)")
    connection.close()


def _write(out: Path, write: Any) -> None:
    part = out.with_name(out.name + ".part")
    try:
        write(part)
        part.replace(out)
    except OSError as error:
        part.unlink(missing_ok=True)
        reason = error.strerror or "the system refused"
        raise UsageError(f"cannot write {out}: {reason}") from None
    say(f"wrote {out}")
