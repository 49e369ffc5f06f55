"""What was chosen: the arguments of a cohort and of a figure, asked or written down as code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from inspect import signature
from typing import Any

import pandas as pd

from avon_analytics.appointments.cohort import Cohort
from avon_analytics.appointments.source import CohortSource
from avon_analytics.arguments import scalar
from avon_analytics.figures import FIGURES, Kind


@dataclass(frozen=True)
class Question:
    """A figure of a cohort.

    scope: what ``appointments`` is given. by, every: what the figure is given, None for what it
    does without. options: what else it is given.
    """

    figure: str
    scope: Mapping[str, Any]
    by: str | None = None
    every: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def _given(self) -> dict[str, Any]:
        both = {"by": self.by, "every": self.every}
        return {name: value for name, value in both.items() if value is not None} | {**self.options}

    def ask(self, source: CohortSource[Any]) -> pd.DataFrame:
        """The figure."""
        with source._engine.reading():
            visits = source.appointments(**self.scope)
            frame: pd.DataFrame = getattr(visits, self.figure)(**self._given)
            return frame

    @property
    def code(self) -> str:
        """The lines that give the figure, its chart and its table, where ``store`` is the store."""
        return self.lines()

    def lines(self, width: int | None = None) -> str:
        """The same with a chart of another width than is usual."""
        chart, wide = FIGURES[self.figure].chart, {} if width is None else {"width": width}
        given = ", ".join(["figure", *([_arguments(wide)] if wide else [])])
        shown = [f"avon.plot.{chart}({given})"] if chart else []
        return (
            f"figure = store.appointments({_arguments(self.scope)})"
            f".{self.figure}({_arguments(self._given)})\n"
            f"display({', '.join([*shown, 'avon.show(figure)'])})"
        )

    def behind(self, frame: pd.DataFrame) -> tuple[str, str] | None:
        """The line that gives the rows behind a number of the figure, and the number in words.

        It is one of the foremost count, in the first row of the table that has any; None where
        none has.
        """
        from avon_analytics.report.tables.names import named

        figure = FIGURES[self.figure]
        counts = [figure.spelled.get(one.counts) for one in figure.in_tables if one.counts]
        shown = named(frame)
        for column in (*counts, *figure.in_tables):
            if column and column.kind is Kind.COUNT and column.name in shown:
                known = shown.index[(shown[column.name] > 0).fillna(False)]
                if len(known):
                    arguments = f"figure, {literal(scalar(known[0]))}, {literal(column.name)}"
                    line = f"store.appointments({_arguments(self.scope)}).behind({arguments})"
                    return line, f"{shown.loc[known[0], column.name]:,} under {column.title}"
        return None


def default(figure: str, parameter: str) -> Any:
    """What a figure takes where it is not given ``by`` or ``every``; None for none."""
    known = signature(getattr(Cohort, figure)).parameters.get(parameter)
    return (known and known.default) or None


def _arguments(given: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={literal(value)}" for name, value in given.items())


def literal(value: Any) -> str:
    """A plain value as Python has it: a list of one as that one, texts between double quotes."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{literal(k)}: {literal(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        among = ", ".join(map(literal, value))
        return among if len(value) == 1 else f"[{among}]"
    if isinstance(value, tuple) and len(value) > 1:
        return f"({', '.join(map(literal, value))})"
    written = repr(value)
    if isinstance(value, str) and written.startswith("'") and '"' not in written:
        return f'"{written[1:-1]}"'
    return written
