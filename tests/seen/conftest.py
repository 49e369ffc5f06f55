"""What a person sees: a real browser, that can reach nothing but this machine.

These tests need Chromium. Where it is missing they are skipped; continuous integration installs it
(see ``.ci/run``). What they saw is kept as pictures in ``out/seen``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.browser import NO_BROWSER, browser

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "out" / "seen"
OURS = {"127.0.0.1", "localhost", "", None}


@dataclass
class Seen:
    """A page of the browser, with every request that it made and what it complained about."""

    page: Any
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    @property
    def went_out(self) -> list[str]:
        """Requests to anywhere but this machine."""
        return [url for url in self.requests if urlsplit(url).hostname not in OURS]

    @property
    def sideways(self) -> int:
        """Pixels by which the page is wider than its window."""
        return int(
            self.page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
        )

    def keep(self, name: str, **options: Any) -> Path:
        """A picture of the page, as ``out/seen/<name>.png``."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        path = PICTURES / f"{name}.png"
        self.page.screenshot(path=path, **options)
        return path


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    if (found := browser()) is None:
        pytest.skip(NO_BROWSER)
    with running(found) as chromium:
        yield chromium


@contextmanager
def running(found: str) -> Iterator[Any]:
    """The browser of this path, running."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=found,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield running
        running.close()


See = Callable[..., Seen]


@contextmanager
def pages_of(chromium: Any) -> Iterator[See]:
    """Opens pages: ``see(url, width, height, dark=…)``; they are closed at the end."""
    contexts = []

    def opened(url: str, width: int, height: int, *, dark: bool = False) -> Seen:
        context = chromium.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
        )
        context.set_default_timeout(120_000)  # milliseconds: the machine may be busy
        contexts.append(context)
        seen = Seen(context.new_page())
        seen.page.on("request", lambda request: seen.requests.append(request.url))
        seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        seen.page.route(lambda url: urlsplit(url).hostname not in OURS, lambda route: route.abort())
        seen.page.goto(url)
        return seen

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def see(chromium: Any) -> Iterator[See]:
    """Opens a page for one test."""
    with pages_of(chromium) as opened:
        yield opened
