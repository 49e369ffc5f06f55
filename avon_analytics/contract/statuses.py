"""What Avon's status words mean: the spellings that were seen, and the eight words used here."""

from __future__ import annotations

from collections.abc import Mapping

# In the order of a visit: of words at one instant the last in this list counts as the newest.
WORDS: tuple[str, ...] = (
    "scheduled",
    "confirmed",
    "rescheduled",
    "checked_in",
    "in_progress",
    "cancelled",
    "completed",
    "no_show",
)

# Beside the words themselves. Case, blanks, hyphens, dots and underscores make no difference.
SPELLINGS: Mapping[str, str] = {
    "booked": "scheduled",
    "reopened": "scheduled",
    "arrived": "checked_in",
    "started": "in_progress",
    "complete": "completed",
    "ended": "completed",
    "finished": "completed",
    "canceled": "cancelled",
    "cancel": "cancelled",
    "no_showed": "no_show",
    "reschedule": "rescheduled",
    "moved": "rescheduled",
}

# What makes no difference beside case.
IGNORED = " _-.\t\n\r\xa0"
_IGNORED = str.maketrans("", "", IGNORED)
_SMALL = str.maketrans("IİΣς", "iiσσ")  # Python and the engines make others of these


def spelling(word: str) -> str:
    """A source word as it is looked up: lower case, without separators."""
    return word.translate(_SMALL).lower().translate(_IGNORED)


# Every spelling with a meaning, as it is looked up, and the word that it means.
MEANINGS: Mapping[str, str] = {
    **{spelling(word): word for word in WORDS},
    **{spelling(source): word for source, word in SPELLINGS.items()},
}
