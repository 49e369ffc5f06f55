"""How an object shows itself: its facts as a small table, in a notebook and as plain text."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

_LEFT = ' style="text-align:left"'


def as_text(name: str, facts: Mapping[str, str]) -> str:
    """The facts below each other, aligned."""
    width = max((len(fact) for fact in facts), default=0)
    return "\n".join([name, *(f"  {fact:<{width}}  {told}" for fact, told in facts.items())])


def as_html(name: str, facts: Mapping[str, str]) -> str:
    """The facts as a table with a caption; without a script, and every text escaped."""
    rows = "".join(
        f'<tr><th scope="row"{_LEFT}>{escape(fact)}</th><td{_LEFT}>{escape(told)}</td></tr>'
        for fact, told in facts.items()
    )
    caption = f"<caption{_LEFT}><strong>{escape(name)}</strong></caption>"
    return f"<table>{caption}<tbody>{rows}</tbody></table>"


def public_names(one: object) -> list[str]:
    """What completion offers: the methods and properties that users call, and nothing else."""
    found = {name: what for kind in type(one).__mro__[::-1] for name, what in vars(kind).items()}
    return sorted(
        name
        for name, what in found.items()
        if not name.startswith("_") and (callable(what) or isinstance(what, property))
    )
