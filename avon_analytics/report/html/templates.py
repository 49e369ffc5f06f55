"""The HTML of pages and notebooks: templates that escape every text they are given."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from avon_analytics.report.charts.svg import spark
from avon_analytics.report.words.numbers import count, hours
from avon_analytics.report.words.text import plain

if TYPE_CHECKING:
    from jinja2 import Environment


def rendered(template: str, **given: object) -> str:
    """A template of the folder ``templates``, filled in."""
    return _environment().get_template(template).render(given)


def source(name: str) -> str:
    """A file of the same folder as it stands."""
    loader = _environment().loader
    assert loader is not None
    return loader.get_source(_environment(), name)[0]


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("avon_analytics.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(plain=plain, count=count, hours=hours, spark=spark)
    return environment
