"""Time zones: the names that are one, and the zone that each means.

``zones.csv`` holds the names of the tz database (release 2026f) as the package ``tzdata`` lists
them, and those of Windows with the zone that CLDR's table gives them for territory 001. Anything
else is no time zone, abbreviations that mean several (``BST``, ``AST``) and bare offsets among it.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

BLANKS = " \t\n\r\xa0"  # those around a name make no difference, and neither does case


def folded(name: str) -> str:
    """A name as it is looked up."""
    return name.strip(BLANKS).replace("İ", "i").lower()  # as the engine has it


@cache
def zones() -> Mapping[str, str]:
    """Every name of a time zone, folded, and the zone's own name."""
    text = files("avon_analytics.contract").joinpath("zones.csv").read_text("utf-8")
    rows = csv.reader(text.splitlines()[1:])
    return MappingProxyType({folded(name): zone for name, zone in rows})
