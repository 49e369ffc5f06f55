"""Expectations held against bookings of the shape of two published data sets, at their full size.

python -m benchmarks.expectations [--scale S] [--seed N]

Each is written as an archive of deliveries, loaded, and looked back on. What is printed: of how
many intervals with an expected number of ten or more what share held what came, and the mean errors
of sums beside those of the plain forecast.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

import avon_analytics as avon
from benchmarks import shapes

ENDS = ("attended", "no_show", "cancelled")
LOOKED: dict[str, list[tuple[str, int, str | tuple[()]]]] = {
    "missed": [("day", 0, "host"), ("day", 1, "host"), ("week", 1, "host")],
    "cancelled": [
        ("week", 7, "host"),
        ("week", 30, "host"),
        ("day", 7, "host"),
        ("day", 1, ()),
        ("month", 14, "weekday"),
    ],
}


def deliveries(bookings: pd.DataFrame) -> Iterator[str]:
    """The lines of an archive: that each booking was made, then how it ended, in order of time."""
    told: list[tuple[int, str, dict[str, Any]]] = []
    for nth, booking in enumerate(bookings.to_dict("records")):
        row = {str(name): value for name, value in booking.items()} | {"id": f"appt_{nth:020}"}
        told += [
            (_millis(row["booked"]), "created", row),
            (_millis(row["ended"]), row["word"], row),
        ]
    told.sort(key=lambda one: one[0])
    for nth, (at, event, row) in enumerate(told):
        start = _millis(row["start"])
        came = {
            "attendee": f"user_{row['patient'].replace(' ', '_')}",
            "no_show": event == "no_show",
        }
        yield json.dumps(
            {
                "id": f"wbhk_{nth:020}",
                "event": f"appointment.{'updated' if event == 'no_show' else event}",
                "created_at": at,
                "object": {
                    "id": row["id"],
                    "start_time": start,
                    "end_time": start + 1_800_000,
                    "host": f"user_{row['host'].replace(' ', '_')}",
                    "attendees": [came],
                },
            }
        )


def _millis(at: pd.Timestamp) -> int:
    return round(at.timestamp() * 1000)


def held(rows: pd.DataFrame) -> tuple[int, float]:
    """How many intervals with expected numbers of ten or more, and the share that held."""
    found = []
    for end in ENDS:
        big = rows[rows[f"expected_{end}"] >= 10]
        low, high = big[f"expected_{end}_low"], big[f"expected_{end}_high"]
        found.append(big[f"n_{end}"].between(low, high))
    every = pd.concat(found)
    return len(every), float(every.mean())


def run(name: str, bookings: pd.DataFrame, folder: Path) -> None:
    """Load the bookings and look back on them."""
    archive = folder / f"{name}.jsonl"
    archive.write_text("\n".join(deliveries(bookings)) + "\n", "utf-8")
    with avon.open(folder / f"{name}.duckdb") as store:
        receipt = store.load(archive, policy="skip", progress=False)
        print(f"{name}: {len(bookings):,} bookings, {receipt.loaded:,} deliveries loaded")
        visits = store.appointments(as_of=shapes.as_of(bookings))
        for every, days_ahead, by in LOOKED[name]:
            began = time.perf_counter()
            rows = visits.backtest(by, every=every, days_ahead=days_ahead)
            n, share = held(rows)
            errors = ", ".join(
                f"{end} {rows.attrs['mean_error'][end]:.2f}"
                f" (plain {rows.attrs['mean_error_of_plain'][end]:.2f})"
                for end in ENDS
                if rows[f"n_{end}"].any() and rows.attrs["mean_error_of_plain"][end] is not None
            )
            by_what = f"{every} and {by}" if by else every
            print(
                f"  by {by_what}, {days_ahead} days ahead: {share:.1%} of {n:,} intervals held; "
                f"mean errors {errors}; {time.perf_counter() - began:.1f} s"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name in LOOKED:
            run(name, getattr(shapes, name)(given.scale, given.seed), Path(folder))


if __name__ == "__main__":
    main()
