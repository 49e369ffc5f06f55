"""What the SQL of a figure answered, and what comes with every frame of a cohort."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from avon_analytics.appointments.rows.completeness import Completeness
from avon_analytics.appointments.rows.groupings import Grouping
from avon_analytics.appointments.rows.names import Names

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Counted:
    """What the SQL of a figure answered: a row per group and period, unordered."""

    rows: pd.DataFrame
    keys: tuple[Grouping, ...]
    every: str | None
    as_of: datetime | None
    n_unverified_events: int
    late: str
    """When something is late, in words."""
    min_count: int
    completeness: Completeness | None
    """Which periods are complete, for a figure that says so."""
    names: Names = field(default_factory=dict)
    """What the groups are called."""
    headings: Mapping[str, str] = field(default_factory=dict)
    """What custom fields among the groupings are called."""


def attributes(
    definition: str, as_of: datetime | None, n_unverified_events: int
) -> dict[Hashable | None, Any]:
    """What comes with every DataFrame of a cohort, as plain values."""
    return {
        "definition": definition,
        "as_of": None if as_of is None else as_of.isoformat(),
        "n_unverified_events": n_unverified_events,
    }
