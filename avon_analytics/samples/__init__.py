"""A synthetic clinic that signs its own deliveries and knows the truth about itself.

It is an independent witness: nothing here reads an archive, a contract or a figure. What the
specification defines is derived from the simulation's own decisions.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from avon_analytics.samples.summary import SampleSummary

__all__ = ["write_sample"]


def write_sample(
    out: str | os.PathLike[str],
    *,
    n_appointments: int = 2000,
    seed: int = 20260101,
    mishap_every: int = 75,
) -> SampleSummary:
    """Writes a made-up clinic's signed webhook archive, together with its truth.

    ``out`` gets ``archive/``, ``secrets.toml``, ``truth.json``, ``truth_slots.csv`` and
    ``README.md``. The same numbers give the same bytes. About every ``mishap_every``-th delivery
    is followed by an extra line that must not be trusted.

    There are about seven deliveries to two appointments. Memory grows with the visits still ahead
    and with one short text a slot, not with the archive.

    Raises ArchiveError where ``out`` holds anything but an earlier sample, which is replaced.

    >>> made = avon.write_sample("clinic", n_appointments=30, seed=7)
    >>> made.n_lines
    155
    """
    from avon_analytics.samples.sample import write

    return write(Path(out), n_appointments=n_appointments, seed=seed, mishap_every=mishap_every)
