"""Charts that show themselves in a notebook, without a network and without a script."""

from __future__ import annotations

import base64
from collections.abc import Collection, Sequence
from copy import deepcopy
from html import escape
from itertools import chain, count
from typing import Any, NoReturn
from zlib import crc32

import altair as alt

from avon_analytics.errors import UsageError
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
        made = _of_altair(written)
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

    # Altair's own of these refuse a chart that has a look of its own.

    def __add__(self, other: Any) -> Any:
        """Another chart laid over this one, which keeps its title and its size."""
        return _over(self, other)

    def __or__(self, other: Any) -> Any:
        """Two charts side by side."""
        return _together("hconcat", (self, other))

    def __and__(self, other: Any) -> Any:
        """Two charts, one below the other."""
        return _together("vconcat", (self, other))

    __iadd__, __ior__, __iand__ = __add__, __or__, __and__

    def facet(self, *_: Any, **__: Any) -> NoReturn:
        """Not to be had: what would divide it is no longer in it. Raises UsageError."""
        raise UsageError(
            "facet: ask the figure with by=…, and its chart has a panel for each group"
        )

    def repeat(self, *_: Any, **__: Any) -> NoReturn:
        """Not to be had, as the columns of the figure are no longer in it. Raises UsageError."""
        raise UsageError("repeat: draw a chart of each share, and put them together with | and &")

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


class Panels(Shown):
    """Several charts in one."""

    def properties(self, **properties: Any) -> Any:
        """The chart with another title, description, …

        Raises UsageError for a size, which each panel has for itself.
        """
        for name in ("width", "height"):
            if name in properties:
                raise UsageError(
                    f"{name}: a chart of several panels has none of its own; "
                    "the functions of avon.plot take width="
                )
        return super().properties(**properties)  # type: ignore[misc]

    def interactive(self, name: str | None = None, bind_x: bool = True, bind_y: bool = True) -> Any:
        """Each panel moves for itself."""
        numbers = count()

        def moving(chart: Any) -> Any:
            known = {part: one for part, one in chart._kwds.items() if one is not alt.Undefined}
            how = next((part for part in ("vconcat", "hconcat") if part in known), None)
            if how is None:
                return chart.interactive(f"{name or 'panel'}_{next(numbers)}", bind_x, bind_y)
            return type(chart)(**{**known, how: [moving(one) for one in known[how]]})

        return moving(self)


class VConcatChart(Panels, alt.VConcatChart):
    """Several panels."""


class HConcatChart(Panels, alt.HConcatChart):
    """Charts side by side."""


def shown(chart: Spec) -> Any:
    """An Altair chart of it, that shows itself."""
    return _written(chart.whole())


def _written(whole: dict[str, Any]) -> Any:
    kind = _KINDS[_kind(whole)]
    made = kind.__new__(kind)
    # Past Altair, for which an attribute that is set is a part of the picture.
    object.__setattr__(made, "_written", whole)
    return made


def _of_altair(whole: dict[str, Any]) -> Any:
    """The same in Altair's own objects: charts within charts, each with its rows."""
    rows = {name: alt.InlineData(values=values) for name, values in whole["datasets"].items()}

    def made(part: dict[str, Any]) -> Any:
        kind = _kind(part)
        rest = {name: one for name, one in part.items() if name not in ("$schema", "datasets")}
        parts = [made(one) for one in rest.pop(kind)] if kind != _UNIT else []
        data = rest.pop("data", None)
        chart = _ALTAIR[kind].from_dict(rest, validate=False)
        if "title" in rest:
            chart["title"] = alt.TitleParams(**rest["title"])
        if data is not None:
            chart["data"] = rows[data["name"]]
        if parts:
            chart[kind] = parts
        return chart

    return made(whole)


def _kind(part: dict[str, Any]) -> str:
    return next(kind for kind in _KINDS if kind in part)


def _together(how: str, charts: Sequence[Any]) -> Any:
    """Charts as the parts of one, each with its title, its colours and its rows."""
    wholes = _apart(charts)
    parts = [_without(whole, _OF_THE_WHOLE) for whole in wholes]
    independent = {"resolve": {"scale": {"color": "independent"}}}
    return _written({how: parts, **independent, **_of_the_whole(wholes)})


def _over(chart: Any, other: Any) -> Any:
    """One chart over another, whose title and size are those of both."""
    wholes = _apart((chart, other))
    if any(_kind(whole) not in ("layer", _UNIT) for whole in wholes):
        raise UsageError("+: of a chart of several panels, draw one; nothing can be laid over all")
    own = {name: one for name, one in wholes[0].items() if name in _OF_LAYERS}
    below, above = (_without(whole, _ONCE) for whole in wholes)
    layers = below["layer"] if [*below] == ["layer"] else [below]
    return _written({**own, "layer": [*layers, above], **_of_the_whole(wholes)})


def _apart(charts: Sequence[Any]) -> list[dict[str, Any]]:
    """Each chart written down, its rows under names of its own: those of two have the same ones."""
    wholes = []
    for nth, chart in enumerate(charts):
        whole = _renamed(_moved_alone(chart.to_dict()), f"{nth}-")
        rows = whole.get("datasets", {})
        wholes.append({**whole, "datasets": {f"{nth}-{name}": rows[name] for name in rows}})
    return wholes


def _moved_alone(whole: dict[str, Any]) -> dict[str, Any]:
    """The same, its parameters said to be of its own layer: of two charts, they were of both."""
    if _kind(whole) != _UNIT or "params" not in whole:
        return whole
    name = whole.get("name", f"view_{crc32(repr(whole).encode()):08x}")
    params = [{**one, "views": [name]} if "select" in one else one for one in whole["params"]]
    return {**whole, "name": name, "params": params}


def _of_the_whole(wholes: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What charts that are put together have in common: the look is that of the first."""
    params: dict[str, dict[str, Any]] = {}
    for one in chain.from_iterable(whole.get("params", ()) for whole in wholes):
        known = params.setdefault(one["name"], dict(one))
        if "views" in one:
            known["views"] = list(dict.fromkeys([*known["views"], *one["views"]]))
    return {
        **{name: wholes[0][name] for name in ("$schema", "config") if name in wholes[0]},
        **({"params": list(params.values())} if params else {}),
        "description": " ".join(filter(None, (one.get("description") for one in wholes))),
        "datasets": {name: rows for one in wholes for name, rows in one["datasets"].items()},
    }


def _without(part: dict[str, Any], names: Collection[str]) -> dict[str, Any]:
    return {name: one for name, one in part.items() if name not in names}


def _renamed(part: Any, start: str) -> Any:
    """The same, its rows under other names."""
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


_OF_THE_WHOLE = (
    *("$schema", "config", "datasets", "autosize", "description", "usermeta", "params"),
    *("background", "padding"),
)
_OF_LAYERS = ("title", "width", "height", "view", "autosize", "background", "padding")
"""What layers have in common."""
_ONCE = {*_OF_THE_WHOLE, *_OF_LAYERS}
_UNIT = "mark"
_KINDS: dict[str, Any] = {
    "vconcat": VConcatChart,
    "hconcat": HConcatChart,
    "layer": LayerChart,
    _UNIT: Chart,
}
_ALTAIR: dict[str, Any] = {
    "vconcat": alt.VConcatChart,
    "hconcat": alt.HConcatChart,
    "layer": alt.LayerChart,
    _UNIT: alt.Chart,
}
