"""The command ``compare``: the library's comparison, of a cohort and another one that differs."""

from __future__ import annotations

import io
from typing import Any

import pandas as pd
import pytest

import avon_analytics as avon

FIRST = ("--start", "2025-04-01", "--end", "2025-07-01")
BEFORE = ("--other-start", "2025-01-01", "--other-end", "2025-04-01")


def asked(run: Any, tiny: Any, *options: str) -> pd.DataFrame:
    told = run("compare", "--db", tiny.db, *options, "--format", "csv")
    assert (told.code, told.err) == (0, "")
    return pd.read_csv(io.StringIO(told.out))


def test_two_periods_by_group_as_the_library_has_them(run: Any, tiny: Any) -> None:
    store = avon.open(tiny.db)
    this = store.appointments(start="2025-04-01", end="2025-07-01", min_count=2)
    other = store.appointments(start="2025-01-01", end="2025-04-01", min_count=2)
    wanted = this.compare(other, "cancellations", by="interaction_type")
    options = ("--figure", "cancellations", "--by", "interaction_type", "--min-count", "2")
    pd.testing.assert_frame_equal(
        asked(run, tiny, *FIRST, *BEFORE, *options), wanted, check_dtype=False
    )


def test_the_other_is_chosen_like_the_first_but_for_what_is_said_of_it(run: Any, tiny: Any) -> None:
    store = avon.open(tiny.db)

    def visits(way: str) -> Any:
        where = {"weekday": ["Monday", "Tuesday"], "interaction_type": way}
        return store.appointments(start="2025-04-01", end="2025-07-01", where=where)

    wanted = visits("in_person").compare(visits("video_call"), basis="booked")
    where = ("--where", "weekday=Monday", "--where", "weekday=Tuesday")
    ways = (
        *("--where", "interaction_type=in_person"),
        *("--other-where", "interaction_type=video_call"),
    )
    found = asked(run, tiny, *FIRST, *where, *ways, "--basis", "booked")
    pd.testing.assert_frame_equal(found, wanted, check_dtype=False)
    assert found.share_n.gt(0).all()


def test_what_makes_it_doubtful_is_told_in_a_sentence(run: Any, tiny: Any) -> None:
    told = run("compare", "--db", tiny.db, *FIRST, "--other-start", "2025-04-01")
    assert told.code == 0
    assert told.is_told_in_a_sentence
    assert "slots are in both cohorts" in told.err
    assert "SharedSlots" not in told.err
    assert "No-show" in told.out
    assert "Apr to Jun 2025 minus from 1 Apr 2025" in told.out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (FIRST, "compare: say what to compare with: --other-period, --other-start"),
        ((*BEFORE, "--figure", "outcome"), "Did you mean 'outcomes'?"),
        ((*BEFORE, "--unit", "slot"), "compare: outcomes takes no --unit"),
        ((*BEFORE, "--figure", "rebooking", "--every", "month"), "rebooking takes no --every"),
        (("--other-where", "host"), "--other-where 'host': expected GROUPING=VALUE"),
    ],
)
def test_what_cannot_be_compared_is_wrong_usage(
    run: Any, tiny: Any, options: tuple[str, ...], words: str
) -> None:
    told = run("compare", "--db", tiny.db, *options)
    assert told.code == 2
    assert words in told.err
    assert told.is_told_in_a_sentence
