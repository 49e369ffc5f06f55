"""Pictures of a browser in the pages: made by ``tests.pictures``, of what the code shows now."""

from __future__ import annotations

import json
import re

import pytest

from tests import pictures

from .test_pages import PAGES

RECORD = json.loads(pictures.RECORD.read_text("utf-8"))
_PICTURE = re.compile(r"!\[[^\]]*\]\((?:docs/)?images/([^)\s/]+\.png)\)")


def test_the_script_makes_every_picture_that_a_page_shows() -> None:
    named = {name for page in PAGES for name in _PICTURE.findall(page.read_text("utf-8"))}
    there = {path.name for path in pictures.IMAGES.rglob("*.png")}
    assert named == there == set(pictures.PICTURES) == set(RECORD)


@pytest.mark.usefixtures("at_desk")
@pytest.mark.parametrize("name", pictures.PICTURES)
def test_a_picture_is_of_what_the_code_shows(name: str) -> None:
    again = "make all pictures anew: python -m tests.pictures"
    assert pictures.digest((pictures.IMAGES / name).read_bytes()) == RECORD[name]["file"], again
    assert pictures.digest(pictures.shown(name)) == RECORD[name]["shows"], again
