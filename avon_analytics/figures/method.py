"""A figure as a method of a cohort: what the class beside each declaration derives from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from avon_analytics.figures.declared import Figure

if TYPE_CHECKING:
    import pandas as pd

    from avon_analytics.figures.words import By

DECLARED: dict[type, Figure] = {}
"""What each class with a figure's method declares."""


class FigureMethod(ABC):
    """A class with the method of one figure, which a cohort takes over: ``figure`` declares it."""

    __slots__ = ()

    def __init_subclass__(cls, *, figure: Figure | None = None, **more: Any) -> None:
        """Note what a class declares; a cohort, which has them all, declares nothing itself."""
        super().__init_subclass__(**more)
        if figure is not None:
            DECLARED[cls] = figure

    @abstractmethod
    def _figure(
        self,
        figure: Figure,
        *,
        by: By,
        every: str | None = None,
        min_count: int | None,
        **options: Any,
    ) -> pd.DataFrame:
        """The figure of this cohort; ``options`` are those that it declares."""
