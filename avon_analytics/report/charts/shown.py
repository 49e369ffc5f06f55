"""Charts that show themselves in a notebook, without a network and without a script."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from copy import deepcopy
from html import escape
from typing import Any

import altair as alt

from avon_analytics.report.charts.spec import Spec
from avon_analytics.report.charts.svg import drawn, on_dark

# Which of two pictures a notebook shows: the one of its own theme (JupyterLab, VS Code). Where a
# notebook is not trusted the rules are taken out, and the light picture is left.
_BY_THEME = (
    "<style>"
    ':is([data-jp-theme-light="false"],.vscode-dark,[data-theme="dark"]) img.avon-on-dark'
    "{display:inline !important}"
    ':is([data-jp-theme-light="false"],.vscode-dark,[data-theme="dark"]) img.avon-on-light'
    "{display:none !important}"
    "</style>"
)
_FIT = "max-width:100%;height:auto"


class Shown:
    """What a chart looks like: one picture with its description, wherever it is shown.

    A picture in HTML rather than a bare SVG, so that it has a description for those who cannot
    see it, fits a narrow window, and is still there when a saved notebook is opened again.
    """

    _written: dict[str, Any] | None
    """The whole chart, until somebody asks for a part of it: then Altair's objects are made of it,
    which takes longer than to draw it."""

    def __getattr__(self, name: str) -> Any:
        written = self.__dict__.get("_written")
        if name not in ("_args", "_kwds") or written is None:
            return super().__getattr__(name)  # type: ignore[misc]
        made = _ALTAIR[type(self)].from_dict(written, validate=False)
        if "title" in written:
            made["title"] = alt.TitleParams(**written["title"])
        for part in ("_args", "_kwds"):
            object.__setattr__(self, part, getattr(made, part))
        object.__setattr__(self, "_written", None)
        return self.__dict__[name]

    def to_dict(self, *args: Any, **options: Any) -> dict[str, Any]:
        """The chart as Vega-Lite reads it."""
        written = self.__dict__.get("_written")
        if written is not None and not (args or options):
            return deepcopy(written)
        made: dict[str, Any] = super().to_dict(*args, **options)  # type: ignore[misc]
        return made

    def __or__(self, other: Any) -> Any:
        """Two charts side by side, which Altair refuses where each has a look of its own."""
        return _together("hconcat", (self, other))

    def __and__(self, other: Any) -> Any:
        """Two charts, one below the other."""
        return _together("vconcat", (self, other))

    def _repr_mimebundle_(self, *_: Any, **__: Any) -> dict[str, str]:
        spec = self.__dict__.get("_written") or self.to_dict()
        words = spec.get("description", "")
        picture = drawn(spec, words, keep_size=True)
        image = (
            f"{_BY_THEME}{_image(picture, words, 'light', _FIT)}"
            f"{_image(on_dark(picture), words, 'dark', _FIT + ';display:none')}"
        )
        return {"text/html": image, "image/svg+xml": picture, "text/plain": words}

    def __repr__(self) -> str:
        return f"<{self.to_dict().get('description', 'Chart')}>"


def _image(picture: str, words: str, paper: str, style: str) -> str:
    data = base64.b64encode(picture.encode()).decode()
    return (
        f'<img class="avon-on-{paper}" alt="{escape(words)}" '
        f'src="data:image/svg+xml;base64,{data}" style="{style}">'
    )


class Chart(Shown, alt.Chart):
    """One layer."""


class LayerChart(Shown, alt.LayerChart):
    """Several layers."""


class VConcatChart(Shown, alt.VConcatChart):
    """Several panels."""


class HConcatChart(Shown, alt.HConcatChart):
    """Charts side by side."""


def shown(chart: Spec) -> Any:
    """An Altair chart of it, that shows itself."""
    return _written(chart.whole())


def _written(whole: dict[str, Any]) -> Any:
    kind = next(kind for part, kind in _KINDS.items() if part in whole)
    made = kind.__new__(kind)
    # Past Altair, for which an attribute that is set is a part of the picture.
    object.__setattr__(made, "_written", whole)
    return made


def _together(how: str, charts: Sequence[Any]) -> Any:
    """Charts as the parts of one, each with its title, its colours and its rows."""
    wholes = [one.to_dict() for one in charts]
    datasets: dict[str, Any] = {}
    parts = []
    for nth, whole in enumerate(wholes):
        datasets |= {f"{nth}-{name}": rows for name, rows in whole.get("datasets", {}).items()}
        part = {name: one for name, one in whole.items() if name not in _OF_THE_WHOLE}
        parts.append(_renamed(part, f"{nth}-"))
    return _written(
        {
            **{name: wholes[0][name] for name in ("$schema", "config") if name in wholes[0]},
            how: parts,
            "resolve": {"scale": {"color": "independent"}},
            "description": " ".join(filter(None, (one.get("description") for one in wholes))),
            "datasets": datasets,
        }
    )


def _renamed(part: Any, start: str) -> Any:
    """The same, its rows under other names: those of two charts have the same ones."""
    if isinstance(part, list):
        return [_renamed(one, start) for one in part]
    if not isinstance(part, dict):
        return part
    return {
        name: {**one, "name": start + one["name"]}
        if name == "data" and isinstance(one, dict) and "name" in one
        else _renamed(one, start)
        for name, one in part.items()
    }


_OF_THE_WHOLE = ("$schema", "config", "datasets", "autosize", "description", "usermeta")
_KINDS: dict[str, Any] = {
    "vconcat": VConcatChart,
    "hconcat": HConcatChart,
    "layer": LayerChart,
    "mark": Chart,
}
_ALTAIR: dict[type, Any] = {
    Chart: alt.Chart,
    LayerChart: alt.LayerChart,
    VConcatChart: alt.VConcatChart,
    HConcatChart: alt.HConcatChart,
}
