"""A small, fixed part of the fuzz in fuzz.py."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pytest

from avon_analytics.intake.archive.batch import batch_of
from avon_analytics.intake.stage import Stage

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


def test_the_head_of_a_line_tells_the_event_that_all_of_it_tells() -> None:
    """On a cluster the head alone decides where a line goes; a line that loads must not differ."""
    lines = fuzz.lines(Random(20260102), 6_000)
    batch = batch_of([("a", n, 0, line) for n, line in enumerate(lines) if line.strip()])
    stage = Stage(duckdb.connect(), "skip", None)
    stage.identify(batch)
    by_head = dict(stage.run("SELECT nth, event_id FROM identities WHERE event_id IS NOT NULL"))
    stage.read(batch)
    by_all = dict(stage.run("SELECT nth, event_id FROM tellings"))
    both = by_head.keys() & by_all.keys()
    assert {nth: by_head[nth] for nth in both} == {nth: by_all[nth] for nth in both}
    assert len(both) > 400
    assert len(by_all.keys() - by_head.keys()) > 20
    stage.connection.close()
