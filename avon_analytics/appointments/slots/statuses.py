"""What Avon's status words mean to a cohort: those of the contract, and those that a user adds."""

from __future__ import annotations

from collections.abc import Mapping

from avon_analytics.arguments import choice, mapping, text
from avon_analytics.contract.statuses import MEANINGS, SPELLINGS, WORDS, spelling

__all__ = ["SPELLINGS", "WORDS", "spelling", "status_words"]


def status_words(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Every known spelling and the word that it means, with ``more`` on top of the built-in ones.

    Raises UsageError if ``more`` does not map texts to ``WORDS``.
    """
    known = dict(MEANINGS)
    for source, word in mapping(more, "status_words", "{'dna': 'no_show'}").items():
        text(source, "status_words: expected texts, as in {'dna': 'no_show'}")
        choice("status word", word, WORDS)
        known[spelling(source)] = word
    return known
