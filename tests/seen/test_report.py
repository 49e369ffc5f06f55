"""The report in a browser: on a desk, on a phone, in the dark and on paper."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import avon_analytics as avon

from .conftest import PICTURES, Seen

SIZES = {"desk": (1280, 900, False), "phone": (390, 844, False), "dark": (1280, 900, True)}


@pytest.fixture(scope="module")
def page(sample: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("report") / "report.html"
    with avon.open(sample.db) as store:
        return store.report(out, title="Sample clinic", by="host")


def _pages(printed: bytes) -> int:
    assert printed.startswith(b"%PDF")
    return len(re.findall(rb"/Type\s*/Page\b", printed))


@pytest.mark.parametrize("size", SIZES)
def test_it_fits_the_window_and_asks_for_nothing(
    size: str, page: Path, see: Callable[..., Seen]
) -> None:
    width, height, dark = SIZES[size]
    seen = see(page.as_uri(), width, height, dark=dark)
    seen.keep(f"report-{size}", full_page=True)
    assert seen.sideways == 0
    assert seen.requests == [page.as_uri()]
    assert seen.complaints == []
    which = ".narrow" if size == "phone" else ".wide"
    shown = seen.page.locator(f".chart{which} svg[role=img]")
    assert shown.count() >= 9
    for i in range(shown.count()):
        box = shown.nth(i).bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width


def test_text_stands_out_from_its_paper_in_the_dark(page: Path, see: Callable[..., Seen]) -> None:
    seen = see(page.as_uri(), 1280, 900, dark=True)
    colours = seen.page.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    )
    light, dark = (sum(map(int, c[c.index("(") + 1 : -1].split(",")[:3])) for c in colours)
    assert light > 3 * 200
    assert dark < 3 * 40


def test_it_prints_as_a_document(page: Path, see: Callable[..., Seen]) -> None:
    seen = see(page.as_uri(), 1280, 900)
    PICTURES.mkdir(parents=True, exist_ok=True)
    printed = seen.page.pdf(path=PICTURES / "report.pdf", prefer_css_page_size=True, format="A4")
    assert _pages(printed) <= 11
    seen.page.emulate_media(media="print")
    assert not seen.page.locator("nav").is_visible()
    seen.page.set_viewport_size({"width": 700, "height": 990})
    assert seen.sideways == 0


def test_a_reader_with_a_keyboard_comes_to_the_summary(
    page: Path, see: Callable[..., Seen]
) -> None:
    seen = see(page.as_uri(), 1280, 900)
    seen.page.keyboard.press("Tab")
    assert seen.page.evaluate("document.activeElement.textContent") == "Skip to the summary"
    seen.page.keyboard.press("Enter")
    assert seen.page.url.endswith("#summary")


def test_provenance_is_folded_and_prints_open(page: Path, see: Callable[..., Seen]) -> None:
    seen = see(page.as_uri(), 1280, 900)
    digests = seen.page.locator("details td.code")
    assert not digests.first.is_visible()
    seen.page.emulate_media(media="print")
    height = "document.querySelector('details').getBoundingClientRect().height"
    assert seen.page.evaluate(height) > 500
    seen.page.emulate_media(media="screen")
    seen.page.locator("summary").click()
    # 64 characters: two lines of 32, of the same width.
    box = digests.first.evaluate(
        "e => { const r = document.createRange(); r.selectNodeContents(e);"
        " return [...r.getClientRects()].map(one => Math.round(one.width)) }"
    )
    assert len(box) == 2
    assert box[0] == box[1]


def test_a_brief_report_is_one_sheet(sample: Any, tmp_path: Path, see: Callable[..., Seen]) -> None:
    with avon.open(sample.db) as store:
        out = store.report(tmp_path / "brief.html", title="Sample clinic", brief=True)
    seen = see(out.as_uri(), 1280, 900)
    printed = seen.page.pdf(prefer_css_page_size=True, format="A4")
    assert _pages(printed) == 1
    assert seen.sideways == 0


@pytest.mark.parametrize("dark", [False, True])
def test_a_phone_shows_the_share_of_each_period(
    page: Path, see: Callable[..., Seen], dark: bool
) -> None:
    seen = see(page.as_uri(), 390, 844, dark=dark)
    box = seen.page.locator("#outcomes td.share").first.bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= 390
    edge = seen.page.locator("#outcomes .scroll").first.evaluate(
        "e => [e.scrollWidth > e.clientWidth, getComputedStyle(e).backgroundAttachment]"
    )
    assert edge == [True, "local, scroll"]
