"""What Avon's status words mean: the spellings that were seen, and the eight words used here."""

from __future__ import annotations

from collections.abc import Mapping

from avon_analytics.arguments import choice, mapping, text

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

_IGNORED = str.maketrans("", "", " _-.")


def spelling(word: str) -> str:
    """A source word as it is looked up: lower case, without separators."""
    return word.lower().translate(_IGNORED)


def status_words(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Every known spelling and the word that it means, with ``more`` on top of the built-in ones.

    Raises UsageError if ``more`` does not map texts to ``WORDS``.
    """
    known = {spelling(word): word for word in WORDS}
    known |= {spelling(source): word for source, word in SPELLINGS.items()}
    for source, word in mapping(more, "status_words").items():
        text(source, "status_words: expected texts, as in {'dna': 'no_show'}")
        choice("status word", word, WORDS)
        known[spelling(source)] = word
    return known
