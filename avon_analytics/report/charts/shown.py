"""Charts that show themselves in a notebook, without a network and without a script."""

from __future__ import annotations

import base64
from html import escape
from typing import Any

import altair as alt

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

    def _repr_mimebundle_(self, *_: Any, **__: Any) -> dict[str, str]:
        spec = self.to_dict()  # type: ignore[attr-defined]
        words = spec.get("description", "")
        picture = drawn(spec, words, keep_size=True)
        image = (
            f"{_BY_THEME}{_image(picture, words, 'light', _FIT)}"
            f"{_image(on_dark(picture), words, 'dark', _FIT + ';display:none')}"
        )
        return {"text/html": image, "image/svg+xml": picture, "text/plain": words}

    def __repr__(self) -> str:
        return f"<{self.to_dict().get('description', 'Chart')}>"  # type: ignore[attr-defined]


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


_CLASSES = {
    alt.Chart: Chart,
    alt.LayerChart: LayerChart,
    alt.VConcatChart: VConcatChart,
}


def shown(chart: Any) -> Any:
    """The same chart, that shows itself."""
    # Past Altair, for which an attribute that is set is a part of the picture.
    object.__setattr__(chart, "__class__", _CLASSES[type(chart)])
    return chart
