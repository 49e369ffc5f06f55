"""The pictures of the pages, made anew: ``python -m tests.pictures``, or the names of some.

Charts are what their page draws. Pictures of a browser are kept with what they show, in
``docs/images/pictures.json``: the digest of that which the code gives, and the digest of the file.
A test holds both (``tests/docs/test_pictures.py``), so a picture of an earlier look fails it.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd

import avon_analytics as avon
from tests.browser import NO_BROWSER, browser

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
RECORD = IMAGES / "pictures.json"
ACROSS = 1180
_CHROME = 118
"""Pixels of JupyterLab above and below a notebook."""

_STATUS = 40
"""Those below it alone, with a margin."""

EXPLORER = (
    "from pathlib import Path\n\nimport avon_analytics as avon\n\n"
    'sample = Path("data/sample")\nstore = avon.open("avon.duckdb")',
    'receipt = store.load(sample / "archive", secrets=sample / "secrets.toml", progress=False)',
    "store.appointments().explore()",
)


@dataclass(frozen=True)
class Cells:
    """What is seen of a notebook: from one of its cells up to, not with, another."""

    notebook: str
    first: int
    end: int

    @property
    def sources(self) -> list[str]:
        """What the cells up to the end hold; a text that is no code is a comment."""
        cells = nbformat.read(ROOT / "notebooks" / f"{self.notebook}.ipynb", as_version=4).cells
        return [
            one.source if one.cell_type == "code" else f"'''{one.source}'''"
            for one in cells[: self.end]
        ]


NOTEBOOKS = {
    "quickstart.png": Cells("quickstart", 0, 9),
    "explore.png": Cells("explore", 0, 8),
    "outcomes.png": Cells("outcomes", 5, 14),
}
PICTURES = ("report.png", *NOTEBOOKS, "explorer.png")


# -- what they show ---------------------------------------------------------------------------


def shown(name: str) -> str:
    """What the code gives that a picture shows, as text; called in a reader's folder."""
    if name == "report.png":
        return top_of_the_report(Path("report.html").resolve())
    if name == "explorer.png":
        return explored()
    of = NOTEBOOKS[name]
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        Path("data").symlink_to(ROOT / "data")
        Path("notebooks").mkdir()
        # Beside no store: each loads the sample. As wide as pandas is in a notebook.
        with contextlib.chdir("notebooks"), pd.option_context("display.max_columns", 20):
            told = list(_told(of.sources))
    return "\n".join(told[of.first :])


def top_of_the_report(page: Path) -> str:
    """The report of the sample up to the outcomes, below which the picture ends."""
    with avon.open("loaded.duckdb") as store:
        store.report(page, title="Sample clinic")
    top, mark, _ = page.read_text("utf-8").partition('<section id="outcomes"')
    assert mark
    return top


def explored() -> str:
    """What the explorer shows by host: its controls, its code, the chart and the table."""
    with avon.open("loaded.duckdb") as store:
        explorer = store.appointments().explore()
        controls = [one for row in explorer._box.children for one in row.children]
        labels = [str(getattr(one, "description", "")) for one in controls]
        names = dict(zip(labels, controls, strict=True))
        names["By"].value, names["Every"].value = "host", ""
        explorer._follow()
        return "\n".join([*EXPLORER, *labels, explorer._bundle()["text/html"]])


def _told(sources: Sequence[str]) -> Iterator[str]:
    """Of each cell its text, and what its last line shows."""
    names: dict[str, Any] = {}
    for source in sources:
        lines = ast.parse(source).body
        last = lines.pop() if lines and isinstance(lines[-1], ast.Expr) else None
        exec(compile(ast.Module(lines, []), "cell", "exec"), names)
        value = None
        if isinstance(last, ast.Expr):
            with contextlib.redirect_stdout(None), contextlib.redirect_stderr(None):
                value = eval(compile(ast.Expression(last.value), "cell", "eval"), names)
        yield f"{source}\n{_as_told(value)}"


def _as_told(value: object) -> str:
    if bundle := getattr(value, "_repr_mimebundle_", None):
        return str(bundle()["text/html"])
    drawn: Callable[[], str] = getattr(value, "_repr_html_", lambda: repr(value))
    return drawn()


def digest(content: str | bytes) -> str:
    """The SHA-256 of a text or of a file's bytes."""
    data = content.encode() if isinstance(content, str) else content
    return hashlib.sha256(data).hexdigest()


# -- taking them ------------------------------------------------------------------------------


def main(names: Sequence[str]) -> None:
    """Make these pictures of a browser anew; without a name all, and the charts of the pages."""
    found = browser()
    if found is None:
        raise SystemExit(NO_BROWSER)
    record = json.loads(RECORD.read_text("utf-8"))
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        Path("data").symlink_to(ROOT / "data")
        with avon.open("loaded.duckdb") as store:
            store.load("data/sample/archive", secrets=Path("data/sample/secrets.toml"))
        if not names:
            _draw()
        wanted = names or PICTURES
        known = {name: digest(shown(name)) for name in wanted}
        _photograph(found, wanted)
    for name in wanted:
        record[name] = {"shows": known[name], "file": digest((IMAGES / name).read_bytes())}
    RECORD.write_text(json.dumps(record, indent=2) + "\n", "utf-8")


def _draw() -> None:
    """The charts of all pages, each drawn by its page."""
    from tests.docs.test_pages import PAGES, printed

    for page in PAGES:
        charts: dict[Path, Any] = {}
        if "(images/" in page.read_text("utf-8") or page.name == "README.md":
            for name in ("avon.duckdb", "sample.duckdb"):
                Path(name).write_bytes(Path("loaded.duckdb").read_bytes())
            list(printed(page, charts))
        for path, chart in charts.items():
            avon.plot.save(chart, path)


def _photograph(chromium_path: str, names: Sequence[str]) -> None:
    from tests.seen.conftest import pages_of, running
    from tests.seen.lab import opened, served

    lab = Path("lab").resolve()
    lab.mkdir()
    with running(chromium_path) as chromium:
        if "report.png" in names:
            with pages_of(chromium) as see:
                page = see(Path("report.html").resolve().as_uri(), ACROSS, 900).page
                height = page.locator("#outcomes").evaluate("e => e.getBoundingClientRect().top")
                page.set_viewport_size({"width": ACROSS, "height": int(height)})
                page.screenshot(path=IMAGES / "report.png")
        with served(lab) as address, opened(address, chromium) as seen:
            for name in names:
                if name in NOTEBOOKS:
                    _of_cells(seen, NOTEBOOKS[name], IMAGES / name)
            if "explorer.png" in names:
                _of_explorer(address, seen, IMAGES / "explorer.png")


def _run_all(page: Any) -> None:
    from tests.seen.lab import SECONDS, STATE

    page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")
    done = f"(s => s.ran === s.cells && s.status === 'idle')(({STATE})())"
    page.wait_for_function(done, timeout=SECONDS * 1000)


def _of_cells(seen: Any, cells: Cells, to: Path) -> None:
    from tests.seen.lab import opened_notebook

    with opened_notebook(seen, f"notebooks/{cells.notebook}.ipynb") as page:
        _run_all(page)
        page.set_viewport_size({"width": ACROSS, "height": 8000})
        page.wait_for_timeout(1000)  # the notebook lays itself out anew
        tops = page.locator(".jp-Notebook .jp-Cell").evaluate_all(
            "all => all.map(one => one.getBoundingClientRect().top)"
        )
        height = int(tops[cells.end] - tops[cells.first])
        page.set_viewport_size({"width": ACROSS, "height": height + _CHROME})
        page.wait_for_timeout(1000)
        page.evaluate(
            "by => document.querySelectorAll('.jp-WindowedPanel-outer')"
            ".forEach(one => one.scrollTop = by)",
            tops[cells.first] - tops[0],
        )
        page.wait_for_timeout(300)
        page.screenshot(path=to)


def _of_explorer(address: str, seen: Any, to: Path) -> None:
    from tests.seen.lab import SECONDS, opened_notebook, write

    write(address, "explorer.ipynb", list(EXPLORER))
    with opened_notebook(seen, "explorer.ipynb") as page:
        page.set_viewport_size({"width": ACROSS, "height": 3000})
        _run_all(page)
        page.get_by_label("By", exact=True).select_option(label="Host")
        page.get_by_label("Every", exact=True).select_option(label="None")
        page.get_by_text('outcomes(by="host")').first.wait_for(timeout=SECONDS * 1000)
        page.wait_for_timeout(1000)  # the chart follows the code
        end = page.locator(".jp-Notebook .jp-Cell").last.evaluate(
            "one => one.getBoundingClientRect().bottom"
        )
        page.set_viewport_size({"width": ACROSS, "height": int(end) + _STATUS})
        page.wait_for_timeout(1000)
        page.screenshot(path=to)


if __name__ == "__main__":
    os.environ.pop("AVON_WEBHOOK_SECRET", None)
    main(sys.argv[1:])
