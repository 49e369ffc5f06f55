"""A small, fixed part of the fuzz in fuzz.py."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from random import Random
from typing import Any

import pytest

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
