"""The benchmarks run, on a tiny archive: they are no use if nobody can run them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from avon_analytics.intake.write.clock import WORKS
from benchmarks.jobs import BY_HOST

ROOT = Path(__file__).parents[1]


@pytest.mark.heavy
def test_the_jobs_run_and_agree_on_the_archive(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks", "--appointments", "40", "--repeats", "1"),
            *("--copies", "3", "--folder", str(tmp_path)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = (tmp_path / "archive.jsonl").read_bytes().splitlines()
    assert done.stdout.startswith(f"{len(lines):,} lines, ")
    for row in (
        "DuckDB alone, plain",
        "json_normalize",
        "the second load by digest",
        "was forgotten",
    ):
        assert row in done.stdout
    for work in (*WORKS, "hash every line (SHA-256)", "write the rows of the store"):
        assert f"| {work} |" in done.stdout
    for figure in ("outcomes", "funnel", "rebooking", "punctuality"):
        assert done.stdout.count(f"| `{figure}` |") == 2
    for figure in BY_HOST:
        assert f"| `{figure}` |" in done.stdout
    with duckdb.connect(str(tmp_path / "many.duckdb"), read_only=True) as many:
        ((n, n_own),) = many.execute(
            "SELECT count(*), count(*) FILTER (WHERE NOT regexp_matches(event_id, 'x[12]$')) "
            "FROM events"
        ).fetchall()
        assert n == 3 * n_own
        assert f"A store of {n:,} events" in done.stdout
