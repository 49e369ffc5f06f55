"""What is measured: every job reads the archive in a folder, in a process of its own.

``python -m benchmarks.jobs NAME FOLDER`` runs one; ``copies`` takes a number as well. A job that
reads what another one made says so in ``AFTER``; a job whose package is not installed ends with the
code of ``NOT_INSTALLED``.
"""

from __future__ import annotations

import hashlib
import hmac
import importlib.util
import json
import sys
import time
import tomllib
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.archive import GZIP, PLAIN, SECRETS

NOT_INSTALLED = 77
STORE = "ours.duckdb"
MANY = "many.duckdb"


def load(folder: Path, file: str = PLAIN, *, recheck: bool = False) -> None:
    """Our load: verified, flattened, without repeats."""
    import avon_analytics as avon

    with avon.open(folder / STORE) as store:
        store.load(folder / file, secrets=folder / SECRETS, recheck=recheck, progress=False)


def forget(folder: Path) -> None:
    """A store of nothing but the mark of somebody who was forgotten."""
    import avon_analytics as avon

    nothing = folder / "nothing.jsonl"
    nothing.touch()
    with avon.open(folder / STORE) as store:
        store.load(nothing, secrets=folder / SECRETS, progress=False)
        store.forget("user_" + "Demo" * 7)


def land(folder: Path, file: str = PLAIN) -> None:
    """DuckDB alone: the lines as a table; nothing is verified, no body is read."""
    import duckdb

    with duckdb.connect(folder / "landed.duckdb") as connection:
        connection.execute(
            "CREATE TABLE lines AS SELECT * FROM read_json($file, format = 'newline_delimited', "
            "ignore_errors = true, maximum_object_size = 33554432)",
            {"file": str(folder / file)},
        )


def profile(folder: Path) -> None:
    """Our load, and the seconds of each kind of work."""
    import avon_analytics as avon

    with avon.open(folder / STORE) as store:
        receipt = store.load(folder / PLAIN, secrets=folder / SECRETS, progress=False)
    for work, seconds in receipt.clock.seconds.items():
        print(f"{work}\t{seconds:.3f}")


def limits(folder: Path) -> None:
    """What the engine alone needs for the least that a load must do with the same bytes."""
    import duckdb

    with duckdb.connect(folder / "limits.duckdb") as connection:
        connection.execute(
            "CREATE TEMP TABLE lines AS SELECT json::VARCHAR AS line "
            "FROM read_ndjson_objects($file, "
            "ignore_errors = true, maximum_object_size = 33554432)",
            {"file": str(folder / PLAIN)},
        )
        connection.execute(f"ATTACH '{folder / STORE}' AS store (READ_ONLY)")
        for what, statement in LIMITS.items():
            start = time.perf_counter()
            connection.execute(statement)
            print(f"{what}\t{time.perf_counter() - start:.3f}")


LIMITS = {
    "hash every line (SHA-256)": "SELECT max(sha256(line)) FROM lines",
    "parse every line once": "SELECT max(strlen(line ->> '$.received_at')) FROM lines",
    "parse every body once": "SELECT max(strlen(CASE WHEN json_valid(line ->> '$.body') THEN "
    "(line ->> '$.body') ->> '$.event' END)) FROM lines",
    "write the rows of the store": "COPY FROM DATABASE store TO limits",
}


def _deliveries(folder: Path) -> Any:
    """What the peers read: the bodies of the lines that a simple script understands."""
    secrets = [s.encode() for s in tomllib.loads((folder / SECRETS).read_text()).values()]
    with (folder / PLAIN).open("rb") as lines:
        for line in lines:
            try:
                envelope = json.loads(line)
                headers = {k.lower(): v for k, v in envelope["headers"].items()}
                body, signature = envelope["body"], headers["avon-signature"]
                raw, told = body.encode(), json.loads(body)
            except (ValueError, KeyError, AttributeError, TypeError):
                continue
            if any(
                hmac.compare_digest(hmac.new(s, raw, hashlib.sha256).hexdigest(), str(signature))
                for s in secrets
            ):
                yield told


def by_hand(folder: Path) -> None:
    """The script that an analyst writes: json, hmac, pandas.json_normalize."""
    import duckdb
    import pandas as pd

    objects = defaultdict(list)
    for body in _deliveries(folder):
        objects[body["event"].split(".")[0]].append(body["object"])
    with duckdb.connect(folder / "by_hand.duckdb") as connection:
        for name, found in objects.items():
            frame = pd.json_normalize(found).astype("string")
            connection.register("frame", frame)
            connection.execute(f'CREATE TABLE "{name}" AS SELECT * FROM frame')


def with_dlt(folder: Path) -> None:
    """The dlt library into DuckDB."""
    import dlt

    pipeline = dlt.pipeline(
        "bench",
        pipelines_dir=str(folder / "dlt"),
        destination=dlt.destinations.duckdb(str(folder / "dlt.duckdb")),
    )
    pipeline.run(_deliveries(folder), table_name="deliveries")


def with_sqlite_utils(folder: Path) -> None:
    """The sqlite-utils library into SQLite; no table of its own for what is nested."""
    import sqlite_utils

    database = sqlite_utils.Database(folder / "peer.sqlite")
    rows = (body["object"] | {"event": body["event"]} for body in _deliveries(folder))
    database["objects"].insert_all(rows, alter=True)


def copies(folder: Path, n_copies: str) -> None:
    """A store of so many times the events; nothing is computed from them yet."""
    from benchmarks.copies import make_copies

    print(make_copies(folder / STORE, folder / MANY, int(n_copies)), end="")


def slots_of_copies(folder: Path) -> None:
    """The slots of that store, as a load computes and keeps them."""
    from avon_analytics.appointments.slots.slots import keep_slots
    from avon_analytics.store.database import Database

    keep_slots(Database(folder / MANY))


def by_pandas(folder: Path, of: str = MANY) -> None:
    """Two figures that pandas computes from the same slots, as often as ours are."""
    import duckdb
    import numpy as np
    import pandas as pd

    columns = "start_on, booked_on, lead_days, appointment_type, outcome, is_due"
    with duckdb.connect(folder / of, read_only=True) as connection:
        for name in ("outcomes", "lead_times"):
            source = {"outcomes": "slots", "lead_times": "lifecycle"}[name]
            took = []
            frame = pd.DataFrame()
            for _ in range(2):
                start = time.perf_counter()
                if frame.empty:
                    frame = connection.sql(
                        f"SELECT {columns} FROM kept_{source} WHERE NOT internal"
                    ).df()
                day = frame.start_on if name == "outcomes" else frame.booked_on
                groups = [day.dt.to_period("M"), frame.appointment_type]
                if name == "outcomes":
                    due = frame.outcome.where(frame.is_due, "not_due")
                    frame.groupby([*groups, due], dropna=False).size().unstack(fill_value=0)
                else:
                    frame.groupby(groups, dropna=False).lead_days.quantile(
                        np.array([0.5, 0.9])
                    ).unstack()
                took.append(time.perf_counter() - start)
            print(f"{name}\t{took[0]:.3f}\t{took[1]:.3f}")


def figures(folder: Path, of: str = STORE) -> None:
    """Every figure, twice: the seconds of the first time and of the second."""
    import avon_analytics as avon

    with avon.open(folder / of) as store:
        visits = store.appointments()
        for name, how in FIGURES.items():
            took = []
            for _ in range(2):
                start = time.perf_counter()
                getattr(visits, name)(**how)
                took.append(time.perf_counter() - start)
            print(f"{name}\t{took[0]:.3f}\t{took[1]:.3f}")


def figures_by_host(folder: Path, of: str = MANY) -> None:
    """Figures by month and host, twice: seconds on the wall, then of the processors."""
    import avon_analytics as avon

    with avon.open(folder / of) as store:
        visits = store.appointments()
        assert visits.as_of is not None
        last = visits.as_of.date()
        cohorts = {
            "expected": store.appointments(start=last + timedelta(days=1)),
            "backtest": store.appointments(start=last - timedelta(days=365)),
        }
        for name, how in BY_HOST.items():
            took = []
            for _ in range(2):
                start = time.perf_counter(), time.process_time()
                getattr(cohorts.get(name, visits), name)(**how)
                took += [time.perf_counter() - start[0], time.process_time() - start[1]]
            print("\t".join([name, *(f"{seconds:.3f}" for seconds in took)]), flush=True)


_MONTHLY = {"every": "month", "by": "appointment_type"}
FIGURES: dict[str, dict[str, str]] = {
    "outcomes": _MONTHLY,
    "funnel": {"by": "appointment_type"},
    "cancellations": _MONTHLY,
    "reschedules": _MONTHLY,
    "lead_times": _MONTHLY,
    "rebooking": {"by": "appointment_type"},
    "incidence": {"by": "appointment_type"},
    "punctuality": _MONTHLY,
}
_BY_HOST = {"every": "month", "by": "host"}
BY_HOST: dict[str, dict[str, str]] = {
    "lost_time": _BY_HOST,
    "refills": {"by": "host"},
    "returns": _BY_HOST,
    "replies": _BY_HOST,
    "lead_times": {"every": "month", "by": "patient_visit"},
    "signals": {"share": "no_show_share", **_BY_HOST},
    "outliers": {"share": "no_show_share", "by": "host"},
    "expected": _BY_HOST,
    "backtest": {"every": "week", "by": "host"},
}
JOBS: dict[str, Callable[..., None]] = {
    "load": load,
    "load_gz": lambda folder: load(folder, GZIP),
    "load_again": load,
    "load_recheck": lambda folder: load(folder, recheck=True),
    "forget": forget,
    "load_after_forget": load,
    "land": land,
    "land_gz": lambda folder: land(folder, GZIP),
    "by_hand": by_hand,
    "dlt": with_dlt,
    "sqlite_utils": with_sqlite_utils,
    "figures": figures,
    "copies": copies,
    "slots_of_copies": slots_of_copies,
    "figures_of_copies": lambda folder: figures(folder, MANY),
    "figures_by_host": figures_by_host,
    "by_pandas": by_pandas,
    "profile": profile,
    "limits": limits,
}
NEEDS = {"dlt": "dlt", "sqlite_utils": "sqlite_utils"}
AFTER = {
    **dict.fromkeys(("load_again", "load_recheck", "figures", "limits", "copies"), "load"),
    "load_after_forget": "forget",
}

if __name__ == "__main__":
    job, place, *more = sys.argv[1:]
    if job in NEEDS and importlib.util.find_spec(NEEDS[job]) is None:
        sys.exit(NOT_INSTALLED)
    JOBS[job](Path(place), *more)
