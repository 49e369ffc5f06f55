"""A chart as a picture in a file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree
from zlib import crc32

from avon_analytics.arguments import path as path_of
from avon_analytics.arguments import whole_number
from avon_analytics.errors import UsageError
from avon_analytics.report.charts.svg import drawn, on_dark
from avon_analytics.whole_file import write_whole

if TYPE_CHECKING:
    import altair as alt

_HEAD = 33
"""Bytes of a PNG's signature and first chunk."""


def save(
    chart: alt.TopLevelMixin,
    path: str | os.PathLike[str],
    *,
    pixels: int | None = None,
    dark: bool = False,
) -> Path:
    """Write a chart as a picture: ``.svg``, or ``.png`` at twice its size on a screen.

    pixels: how wide a ``.png`` is to be, such as 1920 for a slide as wide as the screen.
    dark: in the colours of dark paper.

    Returns where it was written. Raises UsageError for another ending, and for what is no chart.

    >>> chart = avon.plot.outcomes(visits.outcomes(every="month"))
    >>> avon.plot.save(chart, "outcomes.svg").name
    'outcomes.svg'
    """
    import vl_convert

    from avon_analytics.report.plot.altair_chart import Shown

    if not isinstance(chart, Shown):
        raise UsageError("chart: expected a chart that a function of avon.plot made")
    ending = Path(path_of(path, "path")).suffix.lower()
    spec = chart.to_dict()
    picture = drawn(spec, str(spec.get("description", "")), keep_size=True)
    picture = on_dark(picture) if dark else picture
    if ending == ".svg":
        content = picture.replace("<svg ", '<svg data-from="avon_analytics" ', 1).encode()
    elif ending == ".png":
        expected = "pixels: expected a whole number from 100 to 10,000, or None"
        across = float(ElementTree.fromstring(picture).attrib["width"])
        scale = 2.0 if pixels is None else whole_number(pixels, 100, 10_000, expected) / across
        content = _signed(vl_convert.svg_to_png(picture, scale=scale))
    else:
        raise UsageError(f"{path}: a chart is written as .svg or .png")
    return write_whole(path, lambda part: part.write_bytes(content))


def _signed(png: bytes) -> bytes:
    """The picture with a line of text that says whom it is from, behind its head."""
    text = b"tEXtSoftware\0avon_analytics"
    size, check = (len(text) - 4).to_bytes(4, "big"), crc32(text).to_bytes(4, "big")
    return png[:_HEAD] + size + text + check + png[_HEAD:]
