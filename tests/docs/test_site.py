"""The site that `make docs` makes: it is whole, names everything public, and asks for nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import avon_analytics as avon

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made in a process of its own, because Sphinx changes the one that it runs in."""
    folder = tmp_path_factory.mktemp("site")
    made = subprocess.run(
        [
            *(sys.executable, "-m", "sphinx", "--quiet", "--fail-on-warning", "--keep-going"),
            "-b",
            "html",
            "-c",
            "docs/site",
            "-d",
            str(folder / "trees"),
            ".",
            str(folder / "html"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    return folder / "html"


def test_every_public_name_is_in_the_reference(site: Path) -> None:
    reference = (site / "docs/site/api.html").read_text("utf-8")
    described = set(re.findall(r'id="avon_analytics\.(?:report\.)?([\w.]+)"', reference))
    names = set(dir(avon)) - {"__version__", "errors", "plot"}
    assert names <= {name.split(".")[-1] for name in described}
    assert "plot.outcomes" in described
    assert "errors.StoreError" in described


def test_nothing_is_fetched_when_it_is_read(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 10
    for page in pages:
        asked = re.findall(r'(?:src|<link[^>]*href)="(?:https?:)?//[^"]*"', page.read_text("utf-8"))
        assert asked == [], page.name


def test_links_between_pages_lead_somewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        for target in re.findall(r'href="(?![a-z]+:)([^"#?]+)', page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
