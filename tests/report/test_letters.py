"""Texts as an eye counts them: no letter is cut in two, and a terminal's cells are counted."""

from __future__ import annotations

import pandas as pd
import pytest

from avon_analytics.report.terminal.explanation import story
from avon_analytics.report.words.letters import beginning, ending, in_cells
from avon_analytics.report.words.paths import shortened
from avon_analytics.report.words.text import plain, told_apart

ACCENTED = "e\u0301"
FAMILY = "\U0001f469\u200d\U0001f469\u200d\U0001f467"  # three people, one picture
THUMB = "\U0001f44d\U0001f3fd"
GERMAN, FRENCH = "\U0001f1e9\U0001f1ea", "\U0001f1eb\U0001f1f7"
KOREAN = "\u1112\u1161\u11ab"  # one syllable, in its three parts


@pytest.mark.parametrize(
    ("text", "limit", "first", "last"),
    [
        ("plain", 3, "pla", "ain"),
        ("plain", 9, "plain", "plain"),
        ("plain", 0, "", ""),
        (f"a{ACCENTED}b", 2, "a", "b"),
        (f"a{ACCENTED}b", 3, f"a{ACCENTED}", f"{ACCENTED}b"),
        (f"a{FAMILY}b", 5, "a", "b"),
        (f"{THUMB}{THUMB}", 3, THUMB, THUMB),
        (f"{GERMAN}{FRENCH}", 3, GERMAN, FRENCH),
        (f"{KOREAN}{KOREAN}", 5, KOREAN, KOREAN),
    ],
)
def test_no_letter_is_cut_in_two(text: str, limit: int, first: str, last: str) -> None:
    assert beginning(text, limit) == first
    assert ending(text, limit) == last


def test_cells_are_those_of_a_terminal() -> None:
    assert [in_cells(text) for text in ("abc", "診療", ACCENTED, "né")] == [3, 4, 1, 2]
    assert beginning("診療予約", 5, in_cells) == "診療"
    assert ending("診療予約", 5, in_cells) == "予約"
    assert plain("診療予約の長い名前", 9, in_cells) == "診療予約…"
    assert plain(ACCENTED * 5, 5, in_cells) == ACCENTED * 5
    assert plain(ACCENTED * 5, 5) == f"{ACCENTED * 2}…"


def test_what_is_cut_to_cells_is_still_told_apart() -> None:
    names = ["診療予約の長い名前甲", "診療予約の長い名前乙"]
    assert told_apart(names, 11, in_cells) == ["診療…前甲", "診療…前乙"]
    paths = [f"診療/{name}.jsonl" for name in names]
    short = shortened(paths, 16, in_cells)
    assert len(set(short)) == 2
    assert max(map(in_cells, short)) <= 16


def test_a_story_keeps_to_the_width_whatever_its_letters() -> None:
    step = {
        "step": 1,
        "at": pd.Timestamp("2025-03-01T10:00Z"),
        "kind": "event",
        "slot": None,
        "what": "appointment.created",
        "patient_id": None,
        "by_id": None,
        "is_inferred": False,
        "source": None,
        "detail": "診療予約 " * 6,
        "file": "a/" + " ".join(["診療予約"] * 4) + ".jsonl",
        "line": 3,
        "byte_offset": 17,
        "signature": "verified",
    }
    text = story(pd.DataFrame([step]), width=50)
    assert max(map(in_cells, text.splitlines())) <= 50
    assert text.splitlines()[2:] == [
        "      診療予約 診療予約 診療予約 診療予約 診療予約",  # 6 + 5 * 8 + 4
        "      診療予約",
        "      a/診療予約 診療予約 診療予約 診療予約.jsonl,",
        "      line 3, byte 17, verified",
    ]
