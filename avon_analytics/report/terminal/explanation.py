"""One appointment's story as text: a line for each step, and below it what it says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

import pandas as pd

from avon_analytics.report.words.letters import in_cells

_INDENT = " " * 6


def story(explained: pd.DataFrame, *, width: int) -> str:
    """The rows of ``Store.explain`` as lines of at most ``width`` columns where words allow it.

    Instants are UTC; of a path the last two parts are shown.
    """
    lines, across = list[str](), max(width, 40)
    for row in explained.astype(object).where(explained.notna(), None).to_dict("records"):
        at = "no instant reported" if row["at"] is None else f"{row['at']:%Y-%m-%d %H:%M:%S}Z"
        slot = "" if row["slot"] is None else f"slot {row['slot']}"
        head = [f"{row['step']:>4}  {at:<20}", row["kind"], slot, row["what"]]
        if row["patient_id"]:
            head.append(f"patient {row['patient_id']}")
        if row["by_id"]:
            head.append(f"by {row['by_id']}")
        if row["is_inferred"]:
            head.append(f"(inferred from {row['source']})")
        lines += _side_by_side([part for part in head if part], across)
        if row["detail"]:
            lines.append(_below(row["detail"], across))
        if row["kind"] == "event":
            place = _place(row["file"], row["line"], row["byte_offset"], row["signature"])
            lines.append(_below(place, across))
    return "\n".join(lines) + "\n"


def _side_by_side(parts: list[str], width: int) -> Iterator[str]:
    """The parts in one line, or in more where they do not fit."""
    line = parts[0]
    for part in parts[1:]:
        if in_cells(line) + 2 + in_cells(part) > width:
            yield line
            line = _INDENT + part
        else:
            line += f"  {part}"
    yield line


def _below(text: str, width: int) -> str:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".lstrip()
        if lines[-1] and len(_INDENT) + in_cells(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return "\n".join(_INDENT + line for line in lines)


def _place(file: str | None, line: int | None, offset: int | None, signature: str | None) -> str:
    where = "place unknown"
    if file is not None:
        where = f"{'/'.join(PurePath(file).parts[-2:])}, line {line}, byte {offset}"
    return f"{where}, {signature or 'signature unknown'}"
