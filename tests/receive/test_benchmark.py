"""The receiver's benchmark runs: it is no use if nobody can run it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.heavy
@pytest.mark.skipif(sys.platform != "linux", reason="it reads what Linux says of a process")
def test_both_servers_are_measured() -> None:
    options = ("--seconds", "0.3", "--connections", "4", "--rate", "50", "--repeats", "1")
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.receive", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = [line for line in done.stdout.splitlines() if line.startswith(("| ours", "| by hand"))]
    assert len(rows) == 4
    assert all(row.count(" ms |") == 2 for row in rows)
