"""The explorer: widgets over a question, and below them its code, its chart and its table."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from datetime import date
from functools import partial
from html import escape
from typing import Any
from uuid import uuid4

import pandas as pd

from avon_analytics.appointments.cohort import Cohort
from avon_analytics.appointments.source import CohortSource, asked
from avon_analytics.errors import AvonError, UsageError
from avon_analytics.explorer import choices, options
from avon_analytics.explorer.question import Question, default
from avon_analytics.figures import FIGURES
from avon_analytics.report.plot.titles import WIDTH

_FIRST, _FILTERS = "outcomes", 2
_CONTROLS, _BELOW, _WIDE = "avon-controls", "avon-explored", "avon-wide"
_PAUSE = 0.15
"""Seconds without another choice until a figure is asked for."""
_NARROWEST, _STEP, _MARGIN = 330, 20, 20
"""Pixels that a chart needs, by which its width follows the notebook's, and that are beside it."""
# JupyterLab takes letters and arrows that are meant for a list: it moves on, inserts and deletes
# cells. It leaves alone what has this attribute, and no widget can have it by itself. And only a
# browser knows how wide a notebook is: a field that nobody sees says it.
_KEYS = f"""<style onload="const box = this.closest('.{_CONTROLS}');
if (!box.dataset.heard) {{
    box.dataset.heard = 'true';
    box.addEventListener('focusin', event => {{
        event.target.dataset.lmSuppressShortcuts = 'true' }});
    let waiting;
    new ResizeObserver(() => {{
        clearTimeout(waiting);
        waiting = setTimeout(() => {{
            const field = box.querySelector('.{_WIDE} input');
            if (!field || !box.clientWidth) return;
            field.value = box.clientWidth;
            field.dispatchEvent(new Event('change', {{bubbles: true}}));
        }}, 250);
    }}).observe(box);
}}">@keyframes avon-wait {{to {{visibility:visible}}}}
.{_CONTROLS} .widget-hbox > .widget-inline-hbox {{flex:1 1 14em;min-width:0;max-width:300px}}
.{_CONTROLS} .widget-hbox > .widget-inline-hbox > :is(select,input) {{min-width:0}}
</style>"""
_COMPUTING = (
    f'{_KEYS}<em role="status" style="visibility:hidden;animation:avon-wait 0s .3s forwards">'
    "Computing …</em>"
)
"""Seen only where it takes longer than a moment."""
_CODE = (
    '<pre style="white-space:pre-wrap;margin:.25em 0 .75em;padding:.6em .8em;'
    'border:1px solid rgba(128,128,128,.4);color:inherit;background:transparent">{}</pre>'
)
# Without their kernel controls do nothing, and a saved notebook has none: what they showed stays,
# with a line that says how to have them again.
_WITHOUT_KERNEL = f"""<style>
.{_CONTROLS}.jupyter-widgets-disconnected,
.jp-OutputArea-child:has(+ * .{_BELOW}):not(:has(.{_CONTROLS})) {{display:none !important}}
.{_BELOW} {{display:none}}
.jp-OutputArea-child:has(.{_CONTROLS}.jupyter-widgets-disconnected) + * .{_BELOW},
.jp-OutputArea-child:not(:has(.{_CONTROLS})) + * .{_BELOW} {{display:block}}
</style><p class="{_BELOW}" style="font-style:italic">Run the cell again to choose.</p>"""
_BEHIND = '<p style="margin:.75em 0 .25em">The rows behind a number, such as {}:</p>'
_SENTENCE = '<p role="alert" style="margin:.25em 0;max-width:60em"><strong>{}:</strong> {}</p>'


class Explorer:
    """Widgets to choose a figure of a cohort: ``visits.explore()``. The last line of a cell shows
    it.

    Chart, table and code follow every choice, of several in quick succession the last. What cannot
    be asked is said in a sentence.
    """

    def __init__(self, cohort: Cohort) -> None:
        self._cohort = cohort
        self._scope = asked(cohort)
        self._source = CohortSource[Cohort](cohort._engine, cohort._labels)
        self._id = f"avon-{uuid4().hex}"
        self._is_shown = False
        self._drawn: int | None = None
        self._is_settling = True
        self._last = _FIRST
        self._widgets = _widgets()
        self._options: list[options.Asked] = []
        self._waiting: asyncio.TimerHandle | None = None
        self._make(self._widgets)
        self._choose_figure()
        self._choose_window()
        self._ask(self._asks())
        self._is_settling = False

    @property
    def frame(self) -> pd.DataFrame:
        """The figure that is shown, as its method returns it. Raises what the sentence says."""
        self._follow()
        if isinstance(self._found, AvonError):
            raise self._found
        return self._found

    def behind(self, row: Hashable, column: str) -> pd.DataFrame:
        """The rows behind a number of ``frame``, as ``Cohort.behind`` gives them.

        row: its label in the index of ``frame``. column: a count. Raises as ``Cohort.behind`` does.

        >>> explorer = visits.explore()
        >>> len(explorer.behind(0, "n_no_show")) == int(explorer.frame.loc[0, "n_no_show"])
        True
        """
        figure = self.frame
        rows: pd.DataFrame = self._source.appointments(**self._question.scope).behind(
            figure, row, column
        )
        return rows

    @property
    def code(self) -> str:
        """The lines that give what is shown, where ``store`` is the store."""
        self._follow()
        return self._question.lines(self._narrow)

    def _make(self, widgets: Any) -> None:
        figures = choices.figures()
        self._figure = _dropdown(widgets, "Figure", figures, _FIRST)
        self._by = _dropdown(widgets, "By", choices.NONE, disabled=True)
        self._every = _dropdown(widgets, "Every", choices.NONE, disabled=True)
        self._window = _dropdown(widgets, "Window", choices.windows())
        self._dates = [
            widgets.DatePicker(description=words, value=self._bound(name))
            for words, name in (("From", "start"), ("Up to, not with", "end"))
        ]
        self._on = _dropdown(
            widgets, "Placed by", choices.PLACED_BY, self._scope.get("on", "start")
        )
        self._as_of = widgets.DatePicker(description="As of the end of")
        least = self._scope.get("min_count", 0)
        self._least = widgets.BoundedIntText(
            description="Blank counts below",
            value=least,
            max=max(1000, least),
            layout=widgets.Layout(width="auto", max_width="14em"),
        )
        for one in (*self._dates, self._on, self._as_of, self._least):
            one.style.description_width = "auto"
        self._offered = widgets.HBox()
        self._status = widgets.HTML(_KEYS)
        self._wide = widgets.IntText(layout=widgets.Layout(display="none"))
        self._wide.add_class(_WIDE)
        self._wide.observe(self._refit, "value")
        fields = choices.filters_of(self._cohort)
        self._filters = [
            (_dropdown(widgets, "Only", fields), _dropdown(widgets, "is", choices.ANYTHING))
            for _ in range(_FILTERS)
        ]
        rows = [
            widgets.HBox([self._figure, self._by, self._every]),
            self._offered,
            widgets.HBox([self._window, *self._dates, self._on, self._as_of, self._least]),
            *map(widgets.HBox, self._filters),
            widgets.HBox([self._status, self._wide]),
        ]
        for row in rows:
            row.layout.flex_flow = "row wrap"
        self._box = widgets.VBox(rows)
        self._box.add_class(_CONTROLS)
        self._figure.observe(self._settled(self._choose_figure), "value")
        self._window.observe(self._settled(self._choose_window), "value")
        for grouping, value in self._filters:
            fill = partial(self._choose_filter, grouping, value)
            grouping.observe(self._settled(fill), "value")
        values = [value for _, value in self._filters]
        scope = (*self._dates, self._on, self._as_of, self._least)
        for one in (self._by, self._every, *scope, *values):
            one.observe(self._settled(), "value")

    def _bound(self, name: str) -> date | None:
        chosen = self._scope.get(name)
        return None if chosen is None else date.fromisoformat(chosen)

    def _settled(self, first: Callable[[], None] | None = None) -> Callable[[Any], None]:
        """Follow a choice once, after ``first`` has set what depends on it."""

        def call(_: Any) -> None:
            if self._is_settling:
                return
            self._is_settling = True
            try:
                if first is not None:
                    first()
            finally:
                self._is_settling = False
            self._follow_soon()

        return call

    def _follow_soon(self) -> None:
        """Follow once no other choice has come for a moment; where no loop runs, at once."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._follow()
        else:
            self._rest()
            self._waiting = loop.call_later(_PAUSE, self._follow)

    def _rest(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _choose_figure(self) -> None:
        """Offer what this figure can be divided by; what was chosen stays where it can."""
        before, figure = self._last, self._figure.value
        for one, name, offered, first in (
            (self._by, "by", choices.groupings_of(self._cohort, figure), choices.NOTHING),
            (self._every, "every", choices.periods_of(figure), "month"),
        ):
            known = [value for _, value in offered]
            # What nobody chose, for the figure before divides by it anyway, goes with that figure.
            is_chosen = not one.disabled and (not one.value or one.value != default(before, name))
            kept = [one.value] if is_chosen else []
            wanted = [*kept, default(figure, name) or first]
            one.options, one.disabled = offered, known == [choices.NOTHING]
            one.value = next((value for value in wanted if value in known), known[0])
        self._last = figure
        self._offer_options(figure)

    def _offer_options(self, figure: str) -> None:
        """What else this figure can be asked; what an option of that name said stays."""
        before = {one.name: one.widget.value for one in self._options if one.is_chosen}
        self._options = [options.asked(self._widgets, one) for one in FIGURES[figure].options]
        for one in self._options:
            known = getattr(one.widget, "options", None)
            kept = before.get(one.name)
            if kept is not None and (known is None or kept in [value for _, value in known]):
                one.widget.value = kept
            one.widget.observe(self._settled(), "value")
        self._offered.children = [one.widget for one in self._options]

    def _choose_window(self) -> None:
        for picker in self._dates:
            picker.layout.display = None if self._window.value == choices.DATES else "none"

    def _choose_filter(self, grouping: Any, value: Any) -> None:
        values = choices.values_of(self._cohort, grouping.value) if grouping.value else []
        value.options = [*choices.ANYTHING, *values]
        value.value = choices.NOTHING

    def _asks(self) -> Question:
        scope = dict(self._scope)
        window = self._window.value
        if window:
            scope = {name: one for name, one in scope.items() if name not in ("start", "end")}
        if window == choices.DATES:
            for name, picker in zip(("start", "end"), self._dates, strict=True):
                if picker.value is not None:
                    scope[name] = picker.value.isoformat()
        elif window:
            scope["period"] = window
        scope |= {"as_of": self._as_of.value.isoformat()} if self._as_of.value else {}
        for name, value, usual in (
            ("on", self._on.value, "start"),
            ("min_count", self._least.value, 0),
        ):
            scope = {key: one for key, one in scope.items() if key != name}
            scope |= {name: value} if value != usual else {}
        chosen: dict[str, list[Any]] = {}
        for grouping, value in self._filters:
            if grouping.value and value.value:
                values = chosen.setdefault(grouping.value, [])
                values += [one for one in value.value if one not in values]
        if chosen:
            scope["where"] = {**scope.get("where", {}), **chosen}
        return Question(
            self._figure.value,
            scope,
            self._by.value or None,
            self._every.value or None,
            {one.name: one.value for one in self._options if one.is_chosen},
        )

    def _follow(self) -> None:
        self._rest()
        question = self._asks()
        if question == self._question:
            return
        self._status.value = _COMPUTING
        try:
            self._ask(question)
            if self._is_shown:
                self._show(update=True)
        finally:
            self._status.value = _KEYS

    @property
    def _narrow(self) -> int | None:
        """How wide charts are in a notebook that is narrower than they are; None in any other."""
        room = int(self._wide.value) - _MARGIN
        if room < 0 or room >= WIDTH:  # below 0 nothing was said
            return None
        return max(_NARROWEST, room // _STEP * _STEP)

    def _refit(self, _: Any) -> None:
        """Draw the chart anew where the notebook has become wider or narrower."""
        if self._is_shown and self._narrow != self._drawn:
            self._show(update=True)

    def _ask(self, question: Question) -> None:
        self._question = question
        try:
            self._found: pd.DataFrame | AvonError = question.ask(self._source)
        except AvonError as error:
            self._found = error

    def _bundle(self) -> dict[str, str]:
        """What is shown, as it stays in a saved notebook."""
        question, width = self._question, self._narrow
        lines = question.lines(width)
        self._drawn = width
        code = _WITHOUT_KERNEL + _CODE.format(escape(lines))
        if isinstance(self._found, AvonError):
            name, sentence = type(self._found).__name__, str(self._found)
            return {
                "text/html": code + _SENTENCE.format(name, escape(sentence)),
                "text/plain": f"{name}: {sentence}\n\n{lines}",
            }
        from avon_analytics.report import plot
        from avon_analytics.report.html.show import show
        from avon_analytics.report.tables.names import named

        found = named(self._found)  # once for all that shows it
        below = show(found)._repr_html_()
        if behind := question.behind(found):
            line, number = map(escape, behind)
            below += _BEHIND.format(number) + _CODE.format(line)
        chart = FIGURES[question.figure].chart
        if chart is None:
            return {"text/html": code + below, "text/plain": lines}
        wide = {} if width is None else {"width": width}
        drawn: dict[str, str] = getattr(plot, chart)(found, **wide)._repr_mimebundle_()
        return {
            **drawn,
            "text/html": code + drawn["text/html"] + below,
            "text/plain": f"{drawn['text/plain']}\n\n{lines}",
        }

    def _ipython_display_(self, **_: Any) -> None:
        _display(self._box)
        self._show()
        self._is_shown = True

    def _show(self, **how: Any) -> None:
        _display(self._bundle(), display_id=self._id, raw=True, **how)

    def __repr__(self) -> str:
        return self.code


def _display(shown: Any, **how: Any) -> None:
    from IPython.display import display

    show: Any = display  # it has no types
    show(shown, **how)


def _widgets() -> Any:
    try:
        import ipywidgets
    except ImportError:
        raise UsageError(
            'explore: this needs ipywidgets: pip install "avon-analytics[notebook]"'
        ) from None
    return ipywidgets


def _dropdown(
    widgets: Any, words: str, offered: choices.Choices, value: Any = choices.NOTHING, **how: Any
) -> Any:
    made = widgets.Dropdown(description=words, options=offered, value=value, **how)
    made.style.description_width = "4.5em"
    return made
