"""The figure ``replies``: how soon staff answered a patient's message."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from avon_analytics.appointments.figure import Ask, finished, with_shares
from avon_analytics.arguments import whole_number
from avon_analytics.figures.replies import FIGURE

_MOST_HOURS = 8_760
_HOURS = f"hours: expected a whole number of hours from 1 to {_MOST_HOURS:,}, such as 24"


def replies(ask: Ask, *, by: str | Iterable[str], every: str | None, hours: int) -> pd.DataFrame:
    """See ``Cohort.replies``."""
    hours = whole_number(hours, 1, _MOST_HOURS, _HOURS)
    counted = ask(
        "replies", by=by, every=every, table="questions", dated="start", bound={"hours": hours}
    )
    rows = counted.rows
    rows["n_not_followed"] = rows.n_questions - rows.n_followed
    rows["n_not_in_time"] = rows.n_followed - rows.n_in_time
    with_shares(FIGURE, rows)
    return finished(FIGURE, counted, rows, options={"hours": hours}, hours=hours)
