"""What ``write_sample`` hands back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class SampleSummary:
    """Where a sample stands, and how a load of it must end."""

    root: Path
    archive: Path
    secrets_file: Path
    truth_file: Path
    n_appointments: int
    n_slots: int
    n_files: int
    n_lines: int
    n_loaded: int
    n_duplicate: int
    n_quarantined: int
    as_of: datetime
