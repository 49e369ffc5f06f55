"""Status words: spellings, and words that a user adds."""

from __future__ import annotations

import pytest

from avon_analytics.appointments.slots.statuses import SPELLINGS, WORDS, spelling, status_words
from avon_analytics.errors import UsageError


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ("noShow", "no_show"),
        ("No-show", "no_show"),
        ("NO SHOW", "no_show"),
        ("canceled", "cancelled"),
        ("inProgress", "in_progress"),
        ("started", "in_progress"),
        ("checked-in", "checked_in"),
        ("CONFİRMED", "confirmed"),
        *((word, word) for word in WORDS),
    ],
)
def test_spellings(source: str, word: str) -> None:
    assert status_words()[spelling(source)] == word


def test_every_spelling_means_one_of_the_words() -> None:
    assert set(SPELLINGS.values()) <= set(WORDS)


def test_a_users_words_come_on_top() -> None:
    words = status_words({"D.N.A.": "no_show", "arrived": "in_progress"})
    assert words["dna"] == "no_show"
    assert words["arrived"] == "in_progress"
    assert status_words()["arrived"] == "checked_in"
    with pytest.raises(UsageError, match="scheduled, confirmed"):
        status_words({"dna": "missed"})
