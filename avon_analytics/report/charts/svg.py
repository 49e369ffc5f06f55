"""A chart as a small inline SVG: no size of its own, one label, no outside address."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from avon_analytics.report.charts.palette import COLOURS

if TYPE_CHECKING:
    from avon_analytics.report.charts.spec import Spec

_SVG = "http://www.w3.org/2000/svg"
_FEWEST = 3
_NOISE = {"class", "role", "pointer-events"}
_LONG_DECIMAL = re.compile(r"\d+\.\d{2,}")
_PAINT = re.compile(r'(?<=(?:fill|roke)=")#[0-9a-f]{6}(?=")')
_ON_DARK = dict(COLOURS.values())

ElementTree.register_namespace("", _SVG)


def svg(chart: Spec, label: str) -> str:
    """Draw a chart and label it as one picture for those who cannot see it."""
    return drawn(chart.whole(), label)


def drawn(spec: dict[str, Any], label: str, *, keep_size: bool = False) -> str:
    """The same of a chart that is written down, which takes as long as drawing it."""
    import vl_convert

    root = ElementTree.fromstring(vl_convert.vegalite_to_svg(spec))
    _prune(root)
    for name in ("version",) if keep_size else ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.set("role", "img")
    root.set("aria-label", label)
    return ElementTree.tostring(root, encoding="unicode")


def on_dark(picture: str) -> str:
    """The same picture in the colours of dark paper."""
    return _PAINT.sub(lambda found: _ON_DARK.get(found.group(), found.group()), picture)


def spark(values: Sequence[float]) -> str:
    """A line the size of a word, without axes; nothing for fewer than three values.

    It shows the way a number went. The number itself stands beside it.
    """
    if len(values) < _FEWEST:
        return ""
    low, high = min(values), max(values)
    points = [
        (2 + 96 * i / (len(values) - 1), 21 - 18 * (value - low) / ((high - low) or 1))
        for i, value in enumerate(values)
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    x, y = points[-1]
    return (
        '<svg class="spark" viewBox="0 0 100 24" preserveAspectRatio="xMinYMid" '
        'aria-hidden="true">'
        f'<polyline points="{line}"/><circle cx="{x:.1f}" cy="{y:.1f}" r="2.2"/></svg>'
    )


def _prune(element: ElementTree.Element) -> None:
    """Take out what only Vega needs: roles of parts, empty frames, decimals beyond the eye."""
    for name, value in list(element.attrib.items()):
        if name in _NOISE or name.startswith("aria-") or (name == "opacity" and value == "1"):
            del element.attrib[name]
        elif "." in value:
            element.set(name, _LONG_DECIMAL.sub(_rounded, value))
    for child in list(element):
        _prune(child)
        if _draws_nothing(child):
            element.remove(child)


def _draws_nothing(element: ElementTree.Element) -> bool:
    if element.get("display") == "none":
        return True
    if element.tag == f"{{{_SVG}}}path":
        outline = element.get("d", "")
        return not outline or outline.endswith("h0v0h0Z")
    return element.tag == f"{{{_SVG}}}g" and len(element) == 0


def _rounded(found: re.Match[str]) -> str:
    return f"{float(found.group()):.1f}".removesuffix(".0")
