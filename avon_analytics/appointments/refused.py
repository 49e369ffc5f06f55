"""Figures that no archive of webhooks can answer, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

from avon_analytics.errors import NeedsScheduleTemplate

REFUSED: Mapping[str, str] = {
    "fill_rate": "fill rate is the share of the time on offer that was booked",
    "third_next_available": "third next available counts the days to the third opening on offer",
}
_WHY = (
    "{what}, and what was on offer stands in the schedule template alone, which no webhook "
    "carries: an hour without a visit may have been free or never offered. Take it from Avon's "
    "scheduler. What the deliveries do tell of access is lead_times."
)


def refuse(figure: str) -> NoReturn:
    """Raise NeedsScheduleTemplate for one of ``REFUSED``, with the reason."""
    raise NeedsScheduleTemplate(_WHY.format(what=REFUSED[figure]))
