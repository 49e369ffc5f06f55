"""Run the jobs, A and B in turn, and print medians and the ratios pair by pair.

python -m benchmarks [--appointments N] [--repeats N] [--copies N] [--folder FOLDER]

With ``--copies`` the figures are computed once more, on a store of so many times the events.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from avon_analytics.appointments.slots import stored_slots
from benchmarks import archive
from benchmarks.jobs import AFTER, BY_HOST, FIGURES, NOT_INSTALLED, STORE

PAIRS = (
    ("load", "land", "against DuckDB alone, plain"),
    ("load_gz", "land_gz", "against DuckDB alone, gzip"),
    ("load", "by_hand", "against json, hmac and json_normalize"),
    ("load", "dlt", "against dlt"),
    ("load", "sqlite_utils", "against sqlite-utils"),
    ("load_again", "load", "the second load against the first"),
    ("load_recheck", "load", "the second load by digest against the first"),
    ("load_after_forget", "load", "where somebody was forgotten, against a store of nothing"),
)


@dataclass(frozen=True, slots=True)
class Measured:
    """What one process took."""

    wall: float
    cpu: float
    megabytes: float
    told: str


def run(job: str, folder: Path, *more: str, fresh: bool = True) -> Measured | None:
    """Run a job in a process of its own, on no store or on the one that is there.

    None where its package is not installed.
    """
    if fresh:
        # What a job that was ended early has spilled is a folder.
        for made in (*folder.glob("*.duckdb*"), folder / "peer.sqlite", folder / "dlt"):
            if made.is_dir():
                shutil.rmtree(made)
            else:
                made.unlink(missing_ok=True)
        if job in AFTER:
            run(AFTER[job], folder)
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.jobs", job, str(folder), *more],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    told = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode == NOT_INSTALLED:
        return None
    if process.returncode:
        raise SystemExit(f"the job {job} ended with {process.returncode}")
    per_megabyte = 1024**2 if sys.platform == "darwin" else 1024
    return Measured(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / per_megabyte, told)


def compare(ours: str, theirs: str, what: str, folder: Path, repeats: int) -> None:
    """Run two jobs in turn and print one row."""
    pairs: list[tuple[Measured, Measured]] = []
    for _ in range(repeats):
        a, b = run(ours, folder), run(theirs, folder)
        if a is None or b is None:
            print(f"| {what} | not measured: `{theirs}` is not installed | | | | |", flush=True)
            return
        pairs.append((a, b))
    median = statistics.median
    ratio = median(a.wall / b.wall for a, b in pairs)
    cells = [
        f"{median(a.wall for a, _ in pairs):.2f} s / {median(b.wall for _, b in pairs):.2f} s",
        f"**{ratio:.2f}**" if ratio >= 0.1 else f"**{ratio:.4f}**",
        f"{median(a.cpu for a, _ in pairs):.2f} s / {median(b.cpu for _, b in pairs):.2f} s",
        f"{median(a.megabytes for a, _ in pairs):,.0f} / "
        f"{median(b.megabytes for _, b in pairs):,.0f} MB",
    ]
    print(f"| {what} | {' | '.join(cells)} |", flush=True)


def show_figures(found: Measured | None, n_figures: int) -> None:
    """Print how long each figure took."""
    assert found is not None
    print("\n| figure by month and appointment type | first | second |\n|---|---|---|")
    for line in found.told.splitlines():
        name, first, second = line.split("\t")
        print(f"| `{name}` | {float(first):.2f} s | {float(second):.2f} s |")
    assert len(found.told.splitlines()) == n_figures
    print(f"\nPeak memory of the figures: {found.megabytes:,.0f} MB", flush=True)


def show_by_host(found: Measured | None) -> None:
    """Print how long each figure by month and host took, on the wall and of the processors."""
    assert found is not None
    print("\n| figure by month and host | first | CPU | second | CPU |\n|---|---|---|---|---|")
    for line in found.told.splitlines():
        name, *seconds = line.split("\t")
        print(f"| `{name}` | {' | '.join(f'{float(one):.2f} s' for one in seconds)} |")
    assert len(found.told.splitlines()) == len(BY_HOST)
    print(f"\nPeak memory of these figures: {found.megabytes:,.0f} MB", flush=True)


def main() -> None:
    """Make the archive, run all pairs, then the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--appointments", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--copies", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="keeps the archive for the next run")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder: Path = given.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        n_lines = archive.make(folder, given.appointments)
        size = (folder / archive.PLAIN).stat().st_size
        versions = ", ".join(f"{name} {version(name)}" for name in ("duckdb", "pandas"))
        print(
            f"{n_lines:,} lines, {size / 1e6:,.0f} MB; {os.cpu_count()} cores "
            f"({platform.machine()}), Python {platform.python_version()}, {versions}\n"
        )
        print("| ours / theirs | wall | ratio | CPU | peak memory |\n|---|---|---|---|---|")
        for ours, theirs, what in PAIRS:
            compare(ours, theirs, what, folder, given.repeats)
        show_figures(run("figures", folder), len(FIGURES))
        for job, what in (("profile", "work of a load"), ("limits", "engine alone")):
            told = run(job, folder)
            assert told is not None
            print(f"\n| {what} | seconds |\n|---|---|")
            for line in told.told.splitlines():
                name, seconds = line.split("\t")
                print(f"| {name} | {float(seconds):.2f} |")
        print(f"\nThe store: {(folder / STORE).stat().st_size / 1e6:,.0f} MB")
        if given.copies:
            made = run("copies", folder, str(given.copies))
            kept = run("slots_of_copies", folder, fresh=False)
            assert made is not None
            assert kept is not None
            print(
                f"\nA store of {int(made.told):,} events: its slots take {kept.wall:.0f} s and "
                f"{kept.megabytes:,.0f} MB"
            )
            show_figures(run("figures_of_copies", folder, fresh=False), len(FIGURES))
            show_by_host(run("figures_by_host", folder, fresh=False))
            if int(made.told) >= stored_slots.FROM:
                print("\nThe same by pandas, from the same slots:")
                show_figures(run("by_pandas", folder, fresh=False), 2)


if __name__ == "__main__":
    main()
