"""How often each case is played: a deck of 500 cards, shuffled, and again when it is used up."""

from __future__ import annotations

from random import Random

from avon_analytics.samples import scripts as play
from avon_analytics.samples.desk import held, quiet

# Every deck holds every card.
DECK: dict[str, tuple[int, play.Script]] = {
    "held": (178, held),
    "started_lost": (8, play.started_lost),
    "created_lost": (6, play.created_lost),
    "actual_times_only": (5, play.actual_times_only),
    "closed_without_history": (4, play.closed_without_history),
    "started_only": (7, play.started_only),
    "quiet": (14, quiet),
    "cancelled_by_patient": (28, play.cancelled("patient")),
    "cancelled_by_caregiver": (7, play.cancelled("caregiver")),
    "cancelled_by_host": (10, play.cancelled("host")),
    "cancelled_by_other_provider": (4, play.cancelled("other_provider")),
    "cancelled_by_support": (6, play.cancelled("support")),
    "cancelled_by_care_team": (2, play.cancelled("care_team")),
    "cancelled_by_null": (3, play.cancelled("null")),
    "cancelled_by_user_null": (3, play.cancelled("user_null")),
    "cancelled_by_stranger": (3, play.cancelled("stranger")),
    "started_then_cancelled": (3, play.started_then_cancelled),
    "cancelled_then_held": (3, play.cancelled_then_held),
    "cancelled_twice": (3, play.cancelled_twice),
    "cancelled_without_history": (4, play.cancelled_without_history),
    "cancel_told_late": (5, play.cancel_told_late),
    "cancelled_then_moved": (4, play.cancelled_then_moved),
    "undone_then_held": (4, play.undone_then_held),
    "undone_then_quiet": (4, play.undone_then_quiet),
    "moved_then_held": (24, play.moved(held)),
    "moved_then_cancelled": (6, play.moved(play.cancelled("patient"))),
    "moved_then_no_show": (5, play.moved(play.no_show)),
    "moved_then_quiet": (4, play.moved(quiet)),
    "moved_twice": (7, play.moved_twice),
    "moved_back": (4, play.moved_back),
    "moved_untold": (5, play.moved_untold),
    "no_show": (38, play.no_show),
    "no_show_word": (6, play.no_show_word),
    "no_show_cancelled": (4, play.no_show_cancelled),
    "no_show_corrected": (4, play.no_show_corrected),
    "no_show_then_moved": (4, play.no_show_then_moved),
    "group_held": (12, play.group_held),
    "group_left": (5, play.group_left),
    "group_joined": (4, play.group_joined),
    "group_cancelled": (4, play.group_cancelled),
    "group_absent": (2, play.no_show),
    "group_moved": (3, play.moved(held)),
    "internal": (10, play.mixed),
    "no_patient": (5, play.mixed),
    "recurring": (10, play.mixed),
    "no_end": (4, play.mixed),
    "clock_change": (6, play.mixed),
    "month_edge": (6, play.mixed),
}


def deal(rng: Random, deck: list[str]) -> str:
    """The next card; a used-up deck is filled and shuffled again."""
    if not deck:
        deck.extend(card for card, (n, _) in DECK.items() for _ in range(n))
        rng.shuffle(deck)
    return deck.pop()
