"""A small, fixed part of the fuzz in fuzz.py."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from random import Random
from typing import Any

import pytest

from avon_analytics.intake.read.reader import LineReader

pytestmark = pytest.mark.any_engine

_SPEC = importlib.util.spec_from_file_location("fuzz", Path(__file__).with_name("fuzz.py"))
assert _SPEC is not None
assert _SPEC.loader is not None
fuzz: Any = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(fuzz)


@pytest.mark.parametrize("policy", ["require", "record", "skip"])
def test_mutated_lines_are_all_accounted_for(tmp_path: Path, policy: str) -> None:
    random = Random(20260101)
    ends = fuzz.reconcile(tmp_path, fuzz.lines(random, 1_500), policy)
    assert ends["loaded"] >= 20
    assert {"not_json", "contract"} <= set(ends)


def test_what_is_read_fast_reads_alike_in_the_slow_lane() -> None:
    """Whatever the fast lane takes, strict JSON and the models bring to the same event."""
    lines = fuzz.lines(Random(20260102), 6_000)
    reader = LineReader("skip", None)
    for nth, line in enumerate(reader.read(lines)):
        assert line == reader.read_one(lines[nth]), lines[nth]
