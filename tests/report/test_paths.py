"""Paths in little room can still be told apart."""

from __future__ import annotations

import pytest

from avon_analytics.report.words.paths import shortened

FILES = [
    "/srv/exports/avon/2024/q3/2024-09-webhooks.jsonl.gz",
    "/srv/exports/avon/2024/q3/2024-10-webhooks.jsonl.gz",
    "/srv/exports/avon/2025/q1/2025-01-lambda.jsonl.zst",
]


def test_what_all_share_gives_way_first() -> None:
    assert shortened(FILES, 40)[0] == "…/2024/q3/2024-09-webhooks.jsonl.gz"
    assert shortened(FILES, 30)[0] == "…/q3/2024-09-webhooks.jsonl.gz"
    assert shortened(FILES, 25)[0] == "2024-09-webhooks.jsonl.gz"
    assert shortened(FILES, 20)[0] == "2024-09-we….jsonl.gz"


@pytest.mark.parametrize("limit", [18, 20, 24, 30, 50, 100])
def test_none_is_too_long_and_no_two_become_one(limit: int) -> None:
    short = shortened(FILES * 2, limit)
    assert max(map(len, short)) <= limit
    assert len(set(short)) == len(FILES)


def test_one_name_in_two_folders_stays_two() -> None:
    names = ["/in/a-first-folder/events.jsonl", "/in/b-other-folder/events.jsonl"]
    assert shortened(names, 16) == ["…/a-firs…s.jsonl", "…/b-othe…s.jsonl"]


def test_addresses_of_object_stores_are_paths_too() -> None:
    names = ["s3://exports/avon/2024/a.jsonl.gz", "s3://exports/avon/2025/a.jsonl.gz"]
    assert shortened(names, 30) == ["…/2024/a.jsonl.gz", "…/2025/a.jsonl.gz"]


def test_short_relative_and_missing_names_stay() -> None:
    assert shortened(["a.jsonl", "b/c.jsonl"], 24) == ["a.jsonl", "b/c.jsonl"]
    assert shortened(["–"], 24) == ["–"]
    assert shortened([], 24) == []


def test_months_in_two_archives_stay_apart() -> None:
    months = [f"2024-{month:02}-webhooks.jsonl.gz" for month in range(1, 13)]
    names = [f"/srv/{of}/exports/{month}" for of in ("first", "other") for month in months]
    assert len(set(shortened(names, 26))) == len(names)
    assert shortened(names, 26)[:2] == ["…/fir…01-webhooks.jsonl.gz", "…/fir…02-webhooks.jsonl.gz"]
