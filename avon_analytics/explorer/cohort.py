"""The cohort of a store: every figure, and the widgets to choose one with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from avon_analytics.appointments.cohort import Cohort as CohortOfFigures

if TYPE_CHECKING:
    from avon_analytics.explorer.widgets import Explorer


class Cohort(CohortOfFigures):
    __doc__ = CohortOfFigures.__doc__
    __slots__ = ()

    def explore(self) -> Explorer:
        """Widgets to choose a figure of this cohort, for JupyterLab.

        Choose the figure, how it is grouped and by which period, what else it can be asked, another
        window, and two filters from what the store holds. The chart, the table and the code that
        gives both follow at once; the keyboard suffices. What was shown last stays in the saved
        notebook as a picture, also when the kernel is gone.

        Of what comes back, ``frame`` is the figure that is shown, ``code`` the lines that give it
        and ``behind`` gives the rows behind a number of it.

        Raises UsageError where ipywidgets is missing: it comes with
        ``pip install "avon-analytics[notebook]"``.

        >>> explorer = visits.explore()
        >>> print(explorer.code)
        figure = store.appointments().outcomes(every="month")
        display(avon.plot.outcomes(figure), avon.show(figure))
        """
        from avon_analytics.explorer.widgets import Explorer

        return Explorer(self)
