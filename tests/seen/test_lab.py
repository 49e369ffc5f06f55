"""JupyterLab in a browser: each notebook opens, runs and shows its charts, without a network."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser import NO_BROWSER, browser

from .conftest import ROOT, Seen
from .lab import SECONDS, STATE, opened, opened_notebook, served, write

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if browser() is None:
        pytest.skip(NO_BROWSER)
    with served(tmp_path_factory.mktemp("lab")) as address:
        yield address


@pytest.fixture(scope="module")
def seen(lab: str, chromium: Any) -> Iterator[Seen]:
    with opened(lab, chromium) as found:
        yield found


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_without_a_warning_and_shows_itself_without_a_network(
    path: Path, seen: Seen
) -> None:
    with opened_notebook(seen, f"notebooks/{path.name}") as page:
        page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")
        done = f"(s => s.ran === s.cells && s.status === 'idle')(({STATE})())"
        page.wait_for_function(done, timeout=SECONDS * 1000)
        _runs_and_shows_itself(page, path)
        assert seen.went_out == []
        assert page.locator(".jp-toast, .Toastify__toast").count() == 0
        _keep(seen, path.stem)


def _runs_and_shows_itself(page: Any, path: Path) -> None:
    outputs = [output for cell in page.evaluate(STATE)["outputs"] for output in cell]

    assert [output for output in outputs if output["output_type"] == "error"] == []
    assert [output for output in outputs if output.get("name") == "stderr"] == []
    kinds = [set(output.get("data", {})) for output in outputs]
    n_charts = sum("image/svg+xml" in found for found in kinds)
    assert n_charts or path.stem == "explore"
    assert any("text/html" in found for found in kinds)
    # Each chart is a picture that the browser could draw, with words for those who cannot see it.
    drawn = page.locator(".jp-OutputArea img.avon-on-light[src^='data:image/svg+xml']")
    assert drawn.count() == n_charts
    for i in range(n_charts):
        natural, words = drawn.nth(i).evaluate("image => [image.naturalWidth, image.alt]")
        assert natural > 300
        assert len(words) > 40
    told = " ".join(str(output.get("data", {}).get("text/plain", "")) for output in outputs)
    assert "Loading: 100%" in told  # the progress of the load
    assert "Lines read" in told or "Files unchanged" in told  # and its receipt


def _keep(seen: Seen, name: str) -> None:
    """The whole notebook as one picture: the window is made as tall as it."""
    page: Any = seen.page
    height = page.evaluate(
        "Math.max(...[...document.querySelectorAll('.jp-WindowedPanel-outer')]"
        ".map(one => one.scrollHeight))"
    )
    page.set_viewport_size({"width": 1180, "height": min(int(height) + 140, 12_000)})
    page.wait_for_timeout(300)  # the notebook lays itself out anew
    page.evaluate(
        "document.querySelectorAll('.jp-WindowedPanel-outer').forEach(one => one.scrollTop = 0)"
    )
    seen.keep(f"notebook-{name}")
    assert page.locator(".jp-OutputArea-output").first.is_visible()


_OPENED = (
    "import avon_analytics as avon; from pathlib import Path; sample = Path('data/sample'); "
    "store = avon.open('explorer.duckdb')"
)
_LOADED = "_ = store.load(sample / 'archive', secrets=sample / 'secrets.toml', progress=False)"


def test_the_explorer_follows_the_keyboard_and_leaves_a_picture(lab: str, seen: Seen) -> None:
    cells = [
        _OPENED,
        _LOADED,
        "explorer = store.appointments().explore()",
        "explorer",
    ]
    write(lab, "explorer.ipynb", cells)
    for dark in (False, True):
        _wear(seen, dark)
        with opened_notebook(seen, "explorer.ipynb") as page:
            page.set_viewport_size({"width": 1180, "height": 1500})
            _explore(seen, len(cells), "dark" if dark else "light")
    _wear(seen, False)
    saved = _read(lab, "explorer.ipynb")
    last = [output.get("data", {}) for output in saved["cells"][-1]["outputs"]]
    pictures = [data for data in last if "image/svg+xml" in data]
    assert len(pictures) == 1
    assert "outcomes(by=&quot;host&quot;)" in "".join(pictures[0]["text/html"])


def test_the_keyboard_alone_comes_to_every_control_of_the_explorer(lab: str, seen: Seen) -> None:
    write(lab, "keys.ipynb", [_OPENED, _LOADED, "store.appointments().explore()"])
    with opened_notebook(seen, "keys.ipynb") as page:
        page.set_viewport_size({"width": 1180, "height": 1500})
        page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")
        _wait_for_code(page, 'outcomes(every="month")')
        page.locator(".widget-dropdown select").first.focus()
        shown = page.locator(".avon-controls :is(select, input):visible")
        reached = 0
        for _ in range(shown.count() * 4):  # a date has several fields of its own
            reached += page.evaluate(
                "() => { const now = document.activeElement, first = !now.dataset.seenByTest;"
                " now.dataset.seenByTest = 'true';"
                " return first && now.closest('.avon-controls') !== null }"
            )
            page.keyboard.press("Tab")
        assert reached == shown.count() >= 11
        # With letters alone: another window, and one value of a filter.
        page.get_by_label("Window").focus()
        page.keyboard.type("Last year")
        _wait_for_code(page, 'period="last-year"')
        page.get_by_label("Only").first.focus()
        page.keyboard.type("Weekday")
        page.locator("option", has_text="Friday").first.wait_for(
            state="attached", timeout=SECONDS * 1000
        )
        page.keyboard.press("Tab")
        page.keyboard.type("Friday")
        _wait_for_code(page, 'where={"weekday": "Friday"}')
        assert seen.went_out == []


@pytest.mark.parametrize("across", [600, 400])
def test_the_explorer_fits_a_narrow_window(across: int, lab: str, seen: Seen) -> None:
    write(lab, f"narrow-{across}.ipynb", [_OPENED, _LOADED, "store.appointments().explore()"])
    with opened_notebook(seen, f"narrow-{across}.ipynb") as page:
        page.set_viewport_size({"width": across, "height": 2000})
        page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")
        _wait_for_code(page, "avon.plot.outcomes(figure, width=")
        page.get_by_label("By", exact=True).select_option(label="Host")
        _wait_for_code(page, 'by="host"')
        controls = page.locator(".avon-controls")
        controls.evaluate("e => e.scrollIntoView({block: 'start'})")
        right = controls.evaluate("e => e.getBoundingClientRect().right")
        ends = controls.locator(":is(select, input):visible").evaluate_all(
            "all => all.map(one => one.getBoundingClientRect().right)"
        )
        assert len(ends) >= 10
        assert max(ends) <= right
        # Letters are nearly as large as they are drawn, and a table that goes on fades.
        drawn, shown = page.locator(".jp-OutputArea img.avon-on-light").evaluate(
            "image => [image.naturalWidth, image.offsetWidth]"
        )
        assert 0.75 < shown / drawn <= 1
        assert shown <= right
        table = page.locator(".avon-figure .scroll")
        assert table.evaluate("e => e.scrollWidth > e.clientWidth")
        assert table.evaluate("e => getComputedStyle(e).maskImage") != "none"
        seen.keep(f"explorer-narrow-{across}")
        page.set_viewport_size({"width": 1180, "height": 2000})
        _wait_for_code(page, "avon.plot.outcomes(figure), ")


def test_tab_between_quotes_offers_the_words_of_a_figure(lab: str, seen: Seen) -> None:
    cells = [_OPENED, _LOADED, "visits = store.appointments()", ""]
    write(lab, "words.ipynb", cells)
    with opened_notebook(seen, "words.ipynb") as page:
        page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")
        page.wait_for_function(
            f"(s => s.ran >= 3 && s.status === 'idle')(({STATE})())", timeout=SECONDS * 1000
        )
        typed = page.locator(".jp-CodeCell").last.locator(".cm-content")
        typed.click()
        page.keyboard.type('visits.outcomes(by="appo')
        assert _offered(page) == ["appointment_type"]
        page.keyboard.press("Enter")
        page.keyboard.type('", every="')
        # JupyterLab itself adds texts of the cell, after ours.
        assert _offered(page)[:5] == ["day", "week", "month", "quarter", "year"]
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.keyboard.type('")')
        assert typed.inner_text() == 'visits.outcomes(by="appointment_type", every="week")'


def _offered(page: Any) -> list[str]:
    """What Tab offers in JupyterLab."""
    page.keyboard.press("Tab")
    offered = page.locator(".jp-Completer-item .jp-Completer-match")
    offered.first.wait_for(timeout=SECONDS * 1000)
    texts: list[str] = offered.all_inner_texts()
    return texts


def test_a_long_table_keeps_its_headings_and_its_total_in_sight(lab: str, seen: Seen) -> None:
    cells = [_OPENED, _LOADED, 'avon.show(store.appointments().outcomes(by="host", every="month"))']
    write(lab, "long.ipynb", cells)
    with opened_notebook(seen, "long.ipynb") as page:
        page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")
        scroll = page.locator(".avon-figure .scroll")
        scroll.wait_for(timeout=SECONDS * 1000)
        assert page.evaluate(STATE)["outputs"][1] == []  # of a load without progress
        height = scroll.evaluate("e => [e.scrollHeight, e.clientHeight]")
        assert height[0] > 2 * height[1]  # longer than what is seen of it
        for to in (0, 0.5, 1):
            scroll.evaluate("(e, to) => e.scrollTop = to * e.scrollHeight", to)
            outside, heading, total = scroll.evaluate(
                """e => {
                    const box = one => one.getBoundingClientRect();
                    const ends = box(e);
                    const heading = box(e.querySelector('thead th'));
                    const total = box(e.querySelector('tr.total > *'));
                    return [
                        [ends.top, ends.bottom],
                        [heading.top, heading.bottom],
                        [total.top, total.bottom],
                    ];
                }"""
            )
            assert abs(heading[0] - outside[0]) < (50 if to == 0 else 2)  # below the caption
            assert outside[0] <= heading[1] < total[0] < total[1] <= outside[1] + 1
        seen.keep("notebook-long-table")


def _wear(seen: Seen, dark: bool) -> None:
    """Give JupyterLab its light or its dark theme, on a machine set up alike."""
    seen.page.emulate_media(color_scheme="dark" if dark else "light")
    theme = "JupyterLab Dark" if dark else "JupyterLab Light"
    seen.page.evaluate(
        f"window.jupyterapp.commands.execute('apputils:change-theme', {{theme: '{theme}'}})"
    )


def _explore(seen: Seen, n_cells: int, theme: str) -> None:
    page, before = seen.page, len(seen.complaints)
    page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")
    code = page.locator(".jp-OutputArea-output pre", has_text="figure = store")
    code.wait_for(timeout=SECONDS * 1000)
    assert 'outcomes(every="month")' in code.inner_text()

    # Letters and arrows choose in a list, and do nothing to the cells of the notebook.
    figure = page.locator(".widget-dropdown select").first
    figure.focus()
    page.keyboard.type("Backt")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowDown")
    _wait_for_code(page, "backtest(")
    page.keyboard.press("Home")
    _wait_for_code(page, 'outcomes(every="month")')
    assert page.evaluate(STATE)["cells"] == n_cells
    # Focus comes with Tab.
    page.keyboard.press("Tab")
    page.keyboard.type("Host")
    page.keyboard.press("Tab")
    page.keyboard.press("Home")
    _wait_for_code(page, 'outcomes(by="host")')
    drawn = page.locator(f".jp-OutputArea img.avon-on-{theme}")
    drawn.wait_for(timeout=SECONDS * 1000)
    assert drawn.evaluate("image => image.naturalWidth") > 300
    assert code.count() == 1  # changed in place, not written once more below
    seen.keep(f"explorer-{theme}")
    assert seen.went_out == []
    assert [one for one in seen.complaints[before:] if "widget" in one.lower()] == []

    page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
    page.evaluate("window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    page.wait_for_function(f"({STATE})().status === 'idle'", timeout=SECONDS * 1000)
    # Of controls without a kernel nothing is left but how to have them again.
    page.get_by_text("Run the cell again to choose.").wait_for(timeout=SECONDS * 1000)
    assert not page.locator(".jupyter-widgets-disconnected").first.is_visible()
    assert drawn.is_visible()
    seen.keep(f"explorer-{theme}-restarted")


def _wait_for_code(page: Any, words: str) -> None:
    page.wait_for_function(
        "words => [...document.querySelectorAll('.jp-OutputArea-output pre')]"
        ".some(one => one.innerText.includes(words))",
        arg=words,
        timeout=SECONDS * 1000,
    )


def _read(lab: str, name: str) -> Any:
    with urllib.request.urlopen(f"{lab}/api/contents/{name}", timeout=30) as answer:
        return json.load(answer)["content"]
