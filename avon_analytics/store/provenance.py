"""Where everything came from: what the archive spans, where its lines ended, what was verified."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from avon_analytics.store.counts import counts
from avon_analytics.store.database import Database
from avon_analytics.store.frames import frame

_SPAN = """
SELECT
    (SELECT epoch_us(min(occurred_at)) FROM events) AS first_occurred_us,
    (SELECT epoch_us(max(occurred_at)) FROM events WHERE occurred_at <= $as_of)
        AS last_occurred_us,
    (SELECT count(*) FROM archive_files) AS n_files,
    (SELECT count(*) FROM events) AS n_events
"""
_LINES = """
SELECT coalesce(sum(lines), 0)::BIGINT AS lines, coalesce(sum(blank), 0)::BIGINT AS blank,
    coalesce(sum(loaded), 0)::BIGINT AS loaded, coalesce(sum(duplicate), 0)::BIGINT AS duplicate,
    coalesce(sum(quarantined), 0)::BIGINT AS quarantined
FROM archive_files
"""
_FRAMES = {
    "quarantined_by_code": """
        SELECT code, count(*) AS n_lines FROM quarantine GROUP BY code
        ORDER BY n_lines DESC, code""",
    "events_by_signature": """
        SELECT signature, count(*) AS n_events FROM events GROUP BY signature
        ORDER BY n_events DESC, signature""",
    "events_by_secret": """
        SELECT secret, count(*) AS n_events FROM events WHERE secret IS NOT NULL GROUP BY secret
        ORDER BY n_events DESC, secret""",
    "archive_files": """
        SELECT file, sha256, lines, loaded, duplicate, quarantined, pending_bytes
        FROM archive_files ORDER BY file""",
    "drift": """
        SELECT kind, path, json_type, sum(n_seen)::BIGINT AS n_seen FROM drift
        GROUP BY kind, path, json_type ORDER BY kind, path, json_type""",
}


@dataclass(frozen=True)
class Origin:
    """What a store knows of its own origin.

    Instants are UTC, missing where the archive has none. ``lines`` holds the sums of the log:
    ``lines = blank + loaded + duplicate + quarantined``. The frames are described by their names.
    """

    first_occurred_at: datetime | None
    last_occurred_at: datetime | None
    n_files: int
    n_events: int
    n_patients: int
    n_appointments: int
    lines: dict[str, int]
    policies: tuple[str, ...]
    frames: dict[str, pd.DataFrame]


def origin(
    database: Database, as_of: datetime | None, frames: Collection[str] = tuple(_FRAMES)
) -> Origin:
    """Where the rows of a store came from; ``as_of`` bounds the newest event that is shown.

    frames: which of them are wanted.
    """
    with database.reading() as connection:
        span = frame(connection, _SPAN, {"as_of": as_of}).iloc[0]
        n_rows = counts(connection, ("patients", "appointments"), is_lake=database.is_lake)
        lines = frame(connection, _LINES).iloc[0]
        policies = frame(
            connection, "SELECT DISTINCT policy FROM loads WHERE files > 0 ORDER BY policy"
        )
        read = {name: frame(connection, _FRAMES[name]) for name in frames}
    return Origin(
        first_occurred_at=_instant(span["first_occurred_us"]),
        last_occurred_at=_instant(span["last_occurred_us"]),
        n_files=int(span["n_files"]),
        n_events=int(span["n_events"]),
        n_patients=n_rows["patients"],
        n_appointments=n_rows["appointments"],
        lines={str(name): int(count) for name, count in lines.items()},
        policies=tuple(policies["policy"]),
        frames=read,
    )


def _instant(micros: object) -> datetime | None:
    if micros is None or pd.isna(micros):  # type: ignore[call-overload]
        return None
    stamp = pd.Timestamp(int(str(micros)), unit="us", tz="UTC")
    return stamp.to_pydatetime()
