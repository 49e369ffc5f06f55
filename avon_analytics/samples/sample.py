"""Writes a whole sample: the archive, its secrets, its truth and a page that says what it is."""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from numbers import Integral
from pathlib import Path
from random import Random

from avon_analytics.errors import ArchiveError, UsageError
from avon_analytics.samples.archive import FILES, PASSED_OVER, Archive
from avon_analytics.samples.clinic import Clinic
from avon_analytics.samples.deliveries import Post
from avon_analytics.samples.instants import CLOSED, LAST_WORD, iso
from avon_analytics.samples.lines import SECRETS
from avon_analytics.samples.readme import TITLE, readme
from avon_analytics.samples.summary import SampleSummary
from avon_analytics.samples.truth import SLOT_COLUMNS, Tally, receipt, whole_truth

TEXTS = ("README.md", "secrets.toml", "truth.json", "truth_slots.csv")


def write(out: Path, *, n_appointments: int, seed: int, mishap_every: int) -> SampleSummary:
    """See ``avon_analytics.samples.write_sample``."""
    whole = all(isinstance(number, Integral) for number in (n_appointments, seed, mishap_every))
    if not whole or n_appointments < 1 or mishap_every < 1:
        raise UsageError(
            "a sample has a whole number of appointments, at least 1, and so is mishap_every"
        )
    n_appointments, seed, mishap_every = int(n_appointments), int(seed), int(mishap_every)
    _clear(out)
    _write_text(out / "README.md", readme(n_appointments, seed, mishap_every))
    _write_text(out / "secrets.toml", _secrets())
    archive = Archive(out / "archive", Random(seed + 1))
    post, tally = Post(Random(seed + 2), archive, mishap_every), Tally()
    with _no_garbage_collection():
        try:
            for step in Clinic(Random(seed), n_appointments, Random(seed + 3)).live():
                post.deliver(until=step.asked_at)
                for fact in step.facts:
                    post.send(fact)
                if step.visit is not None:
                    tally.visit(step.visit, step.card)
                    step.visit.facts.clear()
                tally.questions += step.questions
            post.deliver(until=CLOSED + 1)
        finally:
            archive.close()
    truth = whole_truth(tally, post, archive, seed)
    tally.lines.sort()
    _write_text(out / "truth.json", json.dumps(truth, indent=2) + "\n")
    with (out / "truth_slots.csv").open("w", encoding="utf-8", newline="\n") as file:
        file.write(",".join(SLOT_COLUMNS) + "\n")
        file.writelines(f"{line}\n" for line in tally.lines)
    return _summary(out, truth_receipt=receipt(archive), tally=tally)


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """The clinic leaves no cycles behind, and looking for them took a third of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _summary(out: Path, truth_receipt: dict[str, int], tally: Tally) -> SampleSummary:
    return SampleSummary(
        root=out,
        archive=out / "archive",
        secrets_file=out / "secrets.toml",
        truth_file=out / "truth.json",
        n_appointments=tally.n_appointments,
        n_slots=len(tally.lines),
        n_files=len(FILES),
        n_lines=truth_receipt["lines"],
        n_loaded=truth_receipt["loaded"],
        n_duplicate=truth_receipt["duplicate"],
        n_quarantined=truth_receipt["quarantined"],
        as_of=datetime.fromisoformat(iso(LAST_WORD)),
    )


def _secrets() -> str:
    lines = (f'"{name}" = "{secret}"\n' for name, secret in SECRETS.items())
    return "# Demonstration secrets of a clinic that does not exist.\n" + "".join(lines)


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _clear(out: Path) -> None:
    """Makes the folder, or empties it of an earlier sample; touches nothing else."""
    if out.exists() and not out.is_dir():
        raise ArchiveError(f"{out} is a file; give a folder for the sample.")
    out.mkdir(parents=True, exist_ok=True)
    found = {path.relative_to(out).as_posix() for path in out.rglob("*") if not path.is_dir()}
    if not found:
        return
    ours = {*TEXTS, *(f"archive/{path}" for path in (PASSED_OVER, *(one.path for one in FILES)))}
    if not _is_sample(out) or found - ours:
        raise ArchiveError(
            f"{out} is not empty and holds more than an earlier sample; "
            "give a new or an empty folder."
        )
    for name in sorted(found):
        os.remove(out / name)


def _is_sample(out: Path) -> bool:
    try:
        with (out / "README.md").open(encoding="utf-8") as file:
            return file.readline().strip() == TITLE
    except (OSError, UnicodeDecodeError):
        return False
