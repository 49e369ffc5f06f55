"""What a bucket needs of the lake before lines are taken in: the files that hold their events.

A file that holds an event that a new line reports is fetched whole, and its rows are written anew
with what has come. All other files stay as they are, unless there are many small ones of a month.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import duckdb
import pyarrow as pa

from avon_analytics.spark.messages import KEY_OF_PLACE, bucket_in, bucket_of, divided_otherwise
from avon_analytics.store.lake import rows_of_files
from avon_analytics.store.schema import quote
from avon_analytics.store.slim import EVENT_NO, slim_tables, stored
from avon_analytics.store.tables import object_tables, stored_tables

_MANY_FILES = 8  # of a table and a month in one bucket: then they become one
_OF_LINES = "event_id IN (SELECT event_id FROM wanted_events)"
_OF_PLACES = f"({_OF_LINES} OR (file, line) IN (SELECT (file, line) FROM wanted_places))"


class Recall:
    """Fetches rows of a lake into the store of a bucket; ``files`` are the lake's, by table."""

    def __init__(
        self,
        store: duckdb.DuckDBPyConnection,
        lake: str,
        files: Mapping[str, Sequence[str]],
        number: int,
        n_buckets: int,
    ) -> None:
        self._store = store
        self._lake = lake
        self._number = number
        self._n_buckets = n_buckets
        own = (number, n_buckets)
        self._mine = {
            table: [path for path in paths if bucket_in(path) == own]
            for table, paths in files.items()
        }
        self._others = {
            table: divided_otherwise(paths, n_buckets) for table, paths in files.items()
        }
        self.replaced: list[str] = []  # files whose rows have been fetched
        self._held: dict[str, list[str]] = {}  # of each table those that are to be fetched
        store.execute("CREATE TEMP TABLE wanted_events (event_id VARCHAR)")
        store.execute("CREATE TEMP TABLE wanted_places (file VARCHAR, line BIGINT)")
        store.execute("CREATE TEMP TABLE recalled (event_id VARCHAR, event_no BIGINT)")

    @property
    def is_divided_otherwise(self) -> bool:
        """Whether the lake has files of other buckets, so that all of them are written anew."""
        return any(self._others.values())

    @property
    def has_files(self) -> bool:
        """Whether the lake has files of this very bucket."""
        return any(self._mine.values())

    def want(self, rows: pa.RecordBatch) -> None:
        """Remember the events and the places of some rows that will be taken in."""
        self._store.register("coming", rows)
        self._store.execute(
            "INSERT INTO wanted_events SELECT DISTINCT message FROM coming "
            "WHERE what = 'line' AND message IS NOT NULL"
        )
        self._store.execute(
            "INSERT INTO wanted_places SELECT file, line FROM coming "
            "WHERE what IN ('moved', 'long')"
        )
        self._store.unregister("coming")

    def fetch(self) -> None:
        """Fetch the files that hold what is wanted."""
        events = self._paths(self._mine["events"])
        if events:
            known = rows_of_files(events, stored_tables()["events"])
            self._store.execute(
                "CREATE OR REPLACE TEMP TABLE wanted_events AS "
                f"SELECT event_id FROM ({known}) AS held WHERE {_OF_LINES}"
            )
        for table in self._mine:
            found = {*self._held_or_many(table), *self._with_lists(table)}
            self._insert(table, sorted(found), "true")
            self.replaced += sorted(found)

    def fetch_all(self) -> None:
        """Fetch all that belongs to the bucket, also from files that were divided otherwise."""
        for table, mine in self._mine.items():
            self._insert(table, mine, "true")
            self._insert(table, self._others[table], self._is_mine(table))
            self.replaced += mine

    def _paths(self, files: Sequence[str]) -> list[str]:
        return [f"{self._lake}/{path}" for path in files]

    def _held_or_many(self, table: str) -> list[str]:
        """The files that hold a row of what is wanted, and those of months that have many."""
        if table in self._held:  # a list's are asked for with its versions, too
            return self._held[table]
        condition = {
            "deliveries": _OF_PLACES,
            "quarantine": "(load_id, file, line, byte_offset) IN "
            f"(SELECT (load_id, file, line, byte_offset) FROM deliveries WHERE {_OF_PLACES})",
        }.get(table, _OF_LINES)
        self._held[table] = [*self._files_with(table, condition), *_many(self._mine[table])]
        return self._held[table]

    def _with_lists(self, table: str) -> list[str]:
        """The files of versions of whose lists rows come along: these are found through them."""
        lists = [one for one in object_tables() if one.parent and one.parent.versions == table]
        items = [path for one in lists for path in self._paths(self._held_or_many(one.versions))]
        if not items:
            return []
        self._store.execute(
            "CREATE OR REPLACE TEMP TABLE events_of_lists AS SELECT DISTINCT event_id "
            "FROM read_parquet($files, union_by_name = true, hive_partitioning = false)",
            {"files": items},
        )
        return self._files_with(table, "event_id IN (SELECT event_id FROM events_of_lists)")

    def _files_with(self, table: str, condition: str) -> list[str]:
        """The files of this bucket that hold a row that meets a condition."""
        mine = self._paths(self._mine[table])
        if not mine:
            return []
        found = self._store.execute(
            "SELECT DISTINCT written_in FROM "
            "read_parquet($files, filename = 'written_in', hive_partitioning = false) "
            f"WHERE {condition}",
            {"files": mine},
        ).fetchall()
        return [path.removeprefix(f"{self._lake}/") for (path,) in found]

    def _insert(self, table: str, files: Sequence[str], condition: str) -> None:
        if not files:
            return
        rows = rows_of_files(self._paths(files), stored_tables()[table])
        held = f"(SELECT * FROM ({rows}) AS held WHERE {condition})"
        columns = slim_tables().get(table, stored_tables()[table])
        if EVENT_NO in columns:
            self._give_numbers(held)
            held += " INNER JOIN recalled USING (event_id)"
        known = {*stored_tables()[table], EVENT_NO}
        names = ", ".join(quote(column.name) for column in columns if column in known)
        self._store.execute(f"INSERT INTO {stored(table)} ({names}) SELECT {names} FROM {held}")

    def _give_numbers(self, rows: str) -> None:
        """Give the events of some rows numbers, below those of the events that are new."""
        self._store.execute(
            "INSERT INTO recalled SELECT event_id, "
            "(SELECT coalesce(min(event_no), 0) FROM recalled) - row_number() OVER () "
            f"FROM (SELECT DISTINCT event_id FROM {rows}) "
            "WHERE event_id NOT IN (SELECT event_id FROM recalled)"
        )

    def _is_mine(self, table: str) -> str:
        """SQL for whether a row of another bucketing belongs here."""
        if table == "quarantine":  # a line goes where its delivery does, which comes before it
            place = "(load_id, file, line, byte_offset)"
            return f"{place} IN (SELECT {place} FROM deliveries)"
        key = f"coalesce(event_id, {KEY_OF_PLACE})" if table == "deliveries" else "event_id"
        return f"{bucket_of(key, self._n_buckets)} = {self._number}"


def _many(files: Sequence[str]) -> list[str]:
    """The files of months that have many."""
    by_month: dict[str, list[str]] = defaultdict(list)
    for path in files:
        by_month[path.rpartition("/")[0]].append(path)
    return [path for paths in by_month.values() if len(paths) >= _MANY_FILES for path in paths]
