"""The tables of columns in ``docs/definitions.md``, written from what the figures declare.

``python -m avon_analytics.figures.tables docs/definitions.md`` writes them anew. A section without
such a table gets it after its first paragraph.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from avon_analytics.figures import FIGURES, compare
from avon_analytics.figures.declared import Column, Figure

HEAD = "| column | holds | is | of |\n|---|---|---|---|\n"


def table(figure: Figure) -> str:
    """The columns of a figure as Markdown, a line each; denominators and intervals go unsaid."""
    return HEAD + "".join(map(_line, figure.columns))


def _line(column: Column) -> str:
    return f"| `{column.name}` | {column.kind} | {column.means} | {column.of} |\n"


def written(page: str) -> str:
    """The page with the table of each figure as it is declared."""
    for figure in (*FIGURES.values(), compare.FIGURE):
        section = re.compile(rf"(^## `{figure.name}`\n\n)(.*?)(?=^## |\Z)", re.M | re.S)
        page = section.sub(lambda found: found[1] + _with_table(found[2], table(figure)), page)  # noqa: B023
    return page


def _with_table(text: str, table: str) -> str:
    old = re.search(re.escape(HEAD) + r"(?:\|.*\n)*", text)
    if old is not None:
        return text[: old.start()] + table + text[old.end() :]
    first, _, rest = text.partition("\n\n")
    return f"{first}\n\n{table}\n{rest}"


if __name__ == "__main__":
    given = Path(sys.argv[1])
    given.write_text(written(given.read_text("utf-8")), "utf-8")
