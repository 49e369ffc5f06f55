"""What columns, groups and shares are called."""

from __future__ import annotations

from avon_analytics.figures import COLUMNS
from avon_analytics.figures.names import CUSTOM
from avon_analytics.report.words.text import capital, lower_first, plain

HEADINGS = {
    "period_on": "Month",
    "day_on": "Day",
    "name": "Appointment",
    "group": "Group visit",
    "self_booked": "Booked by the patient",
    "lead_band": "Days booked ahead",
    "notice_band": "Notice",
    "no_show": "No-show",
    "of_all_share": "Of all cancelled",
    "sha256": "SHA-256",
    "json_type": "JSON type",
}
"""Headings that a name does not say by itself; columns of figures declare their own."""


def heading(column: str) -> str:
    """A column's name in plain words."""
    if column in COLUMNS:
        return COLUMNS[column].title
    if column in HEADINGS:
        return HEADINGS[column]
    if column.startswith(CUSTOM):
        return plain(column.removeprefix(CUSTOM), 60)  # an id, or a label of the user's
    words = column.removeprefix("n_").removesuffix("_at").replace("_", " ").strip()
    return plain(capital(words), 60)


def heading_in_sentence(column: str) -> str:
    """A column's name within a sentence; what a field is called stays as it is written."""
    name = heading(column)
    return name if column.startswith(CUSTOM) else lower_first(name)


def share_name(share: str) -> str:
    """What a share is of, where it stands among others: ``No-show``, ``Late``."""
    return heading(share).removesuffix(" share")
