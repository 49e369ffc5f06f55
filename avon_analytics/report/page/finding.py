"""One thing that the page says in words: its topic and a few sentences."""

from __future__ import annotations

from typing import NamedTuple


class Finding(NamedTuple):
    topic: str
    text: str
