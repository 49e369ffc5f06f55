"""A chart in Vega-Lite's own words, as plain dicts: marks, channels, layers, rows of panels.

The words are those of Altair, which would copy a whole chart, and check it, at each of them: that
takes longer than everything else that a figure needs. ``shown`` makes an Altair chart of it for
who wants one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

_SCHEMA = "https://vega.github.io/schema/vega-lite/v6.4.1.json"
_KINDS = {"N": "nominal", "O": "ordinal", "Q": "quantitative"}


class Field(dict[str, Any]):
    """A field on a channel."""

    def of(self, shorthand: str) -> Field:
        """The same of another field."""
        return Field({**self, **_named(shorthand)})

    def axis(self, **options: Any) -> Field:
        return self._more("axis", options)

    def scale(self, **options: Any) -> Field:
        return self._more("scale", options)

    def _more(self, name: str, options: Mapping[str, Any]) -> Field:
        return Field({**self, name: {**(self.get(name) or {}), **options}})


class Spec(dict[str, Any]):
    """A chart, or some put together. Each step gives another one and leaves this as it is."""

    def mark(self, kind: str, **options: Any) -> Spec:
        return Spec({**self, "mark": {"type": kind, **options}})

    def encode(self, **channels: Any) -> Spec:
        """Channels by name: a field, or a field's name such as ``"share:Q"``."""
        encoding = {name: _channel(name, one) for name, one in channels.items()}
        return Spec({**self, "encoding": {**self.get("encoding", {}), **encoding}})

    def where(self, condition: str) -> Spec:
        """Of the rows of its data only those."""
        return Spec({**self, "transform": [{"filter": condition}]})

    def having(self, **properties: Any) -> Spec:
        """With a title, a size, a description, …"""
        return Spec({**self, **properties})

    def whole(self) -> dict[str, Any]:
        """The chart as Vega-Lite reads it; data that several layers share stand in it once."""
        datasets: dict[str, list[dict[str, Any]]] = {}
        names: dict[int, str] = {}

        def put(part: Any) -> Any:
            if isinstance(part, pd.DataFrame):
                if id(part) not in names:
                    names[id(part)] = f"data-{len(names)}"
                    datasets[names[id(part)]] = _records(part)
                return {"name": names[id(part)]}
            if isinstance(part, dict):
                return {name: put(one) for name, one in part.items()}
            return [put(one) for one in part] if isinstance(part, list) else part

        return {"$schema": _SCHEMA, **put(self), "datasets": datasets}


def chart(data: pd.DataFrame | None = None) -> Spec:
    """A chart of these rows, still without a mark."""
    return Spec({} if data is None else {"data": data})


def layer(*layers: Spec) -> Spec:
    return Spec({"layer": list(layers)})


def field(shorthand: str, **options: Any) -> Field:
    """A field by its name and kind, ``"share:Q"``, with a title, an axis, a scale, …"""
    return Field({**_named(shorthand), **options})


def value(fixed: Any) -> dict[str, Any]:
    """One value for all rows, of pixels or colours."""
    return {"value": fixed}


def side_by_side(charts: Iterable[Spec]) -> Spec:
    return Spec({"hconcat": list(charts)})


def one_below_the_other(charts: Iterable[Spec]) -> Spec:
    return Spec({"vconcat": list(charts)})


def _channel(name: str, channel: Any) -> Any:
    if not isinstance(channel, str):
        return channel
    known = _named(channel)
    return {"field": known["field"]} if name in ("x2", "y2") else known


def _named(shorthand: str) -> dict[str, str]:
    name, _, kind = shorthand.partition(":")
    return {"field": name, "type": _KINDS[kind or "N"]}


def _records(data: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows in plain values, with None for what is missing."""
    columns = [_plain(data[name]) for name in data]
    names = [str(name) for name in data]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _plain(column: pd.Series[Any]) -> list[Any]:
    values = column.tolist()
    if not column.hasnans:
        return values
    return [None if pd.isna(one) else one for one in values]
