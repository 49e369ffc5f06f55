"""Showing how far a load has come: a bar on a terminal, in a cell of a notebook, else a line."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from avon_analytics.intake.load import OnProgress, Progress
from avon_analytics.printable import counted, say

_EVERY_SECONDS = 0.2


@contextmanager
def shown() -> Iterator[OnProgress]:
    """A callback for a load, that shows its progress where somebody can see it."""
    if _in_notebook():
        yield _in_a_cell()
    elif sys.stderr is not None and sys.stderr.isatty():
        with _on_a_terminal() as callback:
            yield callback
    else:
        yield _one_line


def waiting(text: str) -> None:
    """Say that a load waits, and for whom."""
    say(f"avon_analytics: {text}")


def _one_line(progress: Progress) -> None:
    if progress.files_done == progress.files:
        files = "file" if progress.files == 1 else "files"
        lines = "line" if progress.lines == 1 else "lines"
        say(
            f"avon_analytics: {progress.files:,} {files} looked at, {progress.lines:,} {lines} read"
        )


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and hasattr(shell, "kernel")


def _in_a_cell() -> OnProgress:
    from IPython.display import display

    show: Any = display
    handle = show({"text/plain": "Loading …"}, raw=True, display_id=True)
    started = time.monotonic()

    def update(progress: Progress) -> None:
        text = _line(progress, time.monotonic() - started)
        handle.update({"text/plain": text}, raw=True)

    return _seldom(update)


def _seldom(update: OnProgress) -> OnProgress:
    last = 0.0

    def call(progress: Progress) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _EVERY_SECONDS or progress.files_done == progress.files:
            last = now
            update(progress)

    return call


def _line(progress: Progress, seconds: float) -> str:
    share = progress.bytes_done / progress.bytes if progress.bytes else 1.0
    read = f", {counted(progress.lines, 'line')}" if progress.lines else ""  # none is no pace
    pace = f", {progress.lines / seconds:,.0f} lines/s" if read and seconds > 1 else ""
    left = seconds * (1 - share) / share if share > 0.02 else None
    rest = "" if left is None or share >= 1 else f", {left:,.0f} s left"
    return (
        f"Loading: {share:.0%}, file {min(progress.files_done + 1, progress.files):,} of "
        f"{progress.files:,}{read}{pace}{rest}"
    )


@contextmanager
def _on_a_terminal() -> Iterator[OnProgress]:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("Loading"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[lines]}"),
        TextColumn("{task.fields[files]}"),
        TextColumn("{task.fields[pace]}"),
        TimeRemainingColumn(),
    )
    started = time.monotonic()
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("load", total=None, lines="", files="", pace="")

        def update(progress: Progress) -> None:
            seconds = max(time.monotonic() - started, 0.001)
            bar.update(
                task,
                # Until the first files are stored, the bar only shows that something happens.
                total=progress.bytes if progress.bytes_done else None,
                completed=progress.bytes_done,
                files=f"{progress.files_done:,}/{progress.files:,} files",
                lines=f"{counted(progress.lines, 'line')} read",
                pace=f"{progress.lines / seconds:,.0f} lines/s" if progress.lines else "",
            )

        yield update
