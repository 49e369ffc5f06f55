"""The fixed words of the intake: policies, signature words, where lines end."""

from __future__ import annotations

from typing import Literal, get_args

Policy = Literal["require", "record", "skip"]
POLICIES: tuple[Policy, ...] = get_args(Policy)

# Strongest first.
SIGNATURE_WORDS = ("verified", "unchecked", "unverifiable", "unsigned", "mismatch")
SIGNATURE_ENUM = f"ENUM {SIGNATURE_WORDS}"
"""The type in SQL of a word that compares by its strength: the stronger is the smaller."""

# What a policy ``require`` says of a line that it does not trust.
CODE_OF_WORD = {
    "unsigned": "unsigned",
    "unverifiable": "unverifiable",
    "mismatch": "signature_mismatch",
}

LINE_CODES = ("too_long", "not_utf8", "not_json", "duplicate_keys", "not_a_delivery")
SIGNATURE_CODES = tuple(CODE_OF_WORD.values())
BODY_CODES = ("not_utf8", "not_json", "duplicate_keys", "contract", "forgotten", "conflict")
CODES = tuple(dict.fromkeys((*LINE_CODES, *SIGNATURE_CODES, *BODY_CODES)))

# What a person reads beside a signature word or a code; rows of a receipt fit 80 columns with it.
MEANINGS = {
    "verified": "a secret of the clinic proves that Avon sent it, unaltered",
    "mismatch": "the signature matches no secret",
    "unchecked": "loaded without looking at signatures",
    "unsigned": "there is no signature",
    "unverifiable": "the bytes that were signed have not been kept",
    "signature_mismatch": "the signature matches no secret",
    "too_long": "longer than the limit",
    "not_utf8": "not text in UTF-8",
    "not_json": "not JSON",
    "duplicate_keys": "a JSON object holds a key twice",
    "unreadable": "the line cannot be read as a delivery",
    "not_a_delivery": "JSON, but no delivery of a webhook",
    "contract": "a field is not as Avon describes it",
    "forgotten": "about a person who has been forgotten",
    "conflict": "another line of this event is trusted instead",
}


def meaning(word: object) -> str:
    """What a signature word or a code means; nothing for one that is not known here."""
    return MEANINGS.get(str(word), "")
