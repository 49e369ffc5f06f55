"""One appointment's story as text: a line for each step, and below it what it says."""

from __future__ import annotations

from pathlib import PurePath
from textwrap import fill

import pandas as pd

_INDENT = " " * 6


def story(explained: pd.DataFrame, *, width: int) -> str:
    """The rows of ``Store.explain`` as lines of at most ``width`` columns where words allow it.

    Instants are UTC; of a path the last two parts are shown.
    """
    lines = []
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
        lines.append("  ".join(part for part in head if part))
        if row["detail"]:
            lines.append(
                fill(
                    row["detail"],
                    max(width, 40),
                    initial_indent=_INDENT,
                    subsequent_indent=_INDENT,
                    break_long_words=False,
                    break_on_hyphens=False,
                )
            )
        if row["kind"] == "event":
            lines.append(
                _INDENT + _place(row["file"], row["line"], row["byte_offset"], row["signature"])
            )
    return "\n".join(lines) + "\n"


def _place(file: str | None, line: int | None, offset: int | None, signature: str | None) -> str:
    where = "place unknown"
    if file is not None:
        where = f"{'/'.join(PurePath(file).parts[-2:])}, line {line}, byte {offset}"
    return f"{where}, {signature or 'signature unknown'}"
