"""A widget for everything that a figure can be asked beside groups, periods and cohort."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from avon_analytics.explorer.choices import NOTHING, Choices
from avon_analytics.figures.declared import Option, Takes
from avon_analytics.report.words.headings import heading

_MOST = 100_000
_HINTS = {Takes.DATE: "2025-12-31, …", Takes.NUMBER: "0.15"}
WIDE, SHORT = {"description_width": "auto"}, {"description_width": "4.5em"}


@dataclass(frozen=True)
class Asked:
    """An option and the widget that it is chosen with."""

    option: Option
    widget: Any

    @property
    def name(self) -> str:
        return self.option.name

    @property
    def value(self) -> Any:
        """What the figure is given; what is so anyway, unless something else is chosen."""
        chosen, option = self.widget.value, self.option
        if chosen in (None, NOTHING):
            return option.default
        if option.takes is Takes.DATE and option.length == 1:
            return chosen.isoformat()
        if isinstance(chosen, str) and option.takes is not Takes.CHOICE:
            if option.length == 1:
                return _read(option, chosen.strip())
            read = [_read(option, one) for one in chosen.replace(",", " ").split()]
            return tuple(read) if option.length else read
        return chosen

    @property
    def is_chosen(self) -> bool:
        """Whether it says something else than what is so anyway."""
        return bool(self.value != self.option.default)


def asked(widgets: Any, option: Option) -> Asked:
    """The widget of an option, as it is unless chosen: a list, a whole number, a date or a text.

    A number or a text counts when Enter or Tab ends it, not with each key.
    """
    words = option.name.replace("_", " ").capitalize()
    if option.of and option.of not in words.lower():
        words = f"{words}, {option.of}"
    how: dict[str, Any] = {"description": words, "tooltip": option.help}
    how["style"] = WIDE if len(words) > len("Window") else SHORT
    if choices := _choices(option):
        first = NOTHING if option.default is None else option.default
        return Asked(option, widgets.Dropdown(options=choices, value=first, **how))
    if option.takes is Takes.WHOLE:
        ends = {"min": option.least or 0, "max": option.most or _MOST}
        layout = widgets.Layout(width="auto", max_width="14em")
        number = widgets.BoundedIntText(value=option.default, layout=layout, **ends, **how)
        return Asked(option, number)
    if option.takes is Takes.DATE and option.length == 1:
        return Asked(option, widgets.DatePicker(**how))
    hint = "first, last day" if option.length > 1 else _HINTS.get(option.takes, "")
    return Asked(option, widgets.Text(placeholder=hint, continuous_update=False, **how))


def _choices(option: Option) -> Choices:
    if option.takes is Takes.FLAG:
        return [("No", False), ("Yes", True)]
    if option.takes is not Takes.CHOICE:
        return []
    known = [(_in_words(one), one) for one in option.choices]
    return known if option.default else [("Not said", NOTHING), *known]


def _in_words(choice: str) -> str:
    return heading(choice) if choice.endswith("_share") else choice.capitalize()


def _read(option: Option, text: str) -> Any:
    """A number from its text; of what is none, the figure says so."""
    try:
        return float(text) if option.takes is Takes.NUMBER else text
    except ValueError:
        return text
