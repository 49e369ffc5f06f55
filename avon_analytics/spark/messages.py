"""What travels between the tasks of a load: lines with their places, and words about files."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeAlias

import duckdb
import pyarrow as pa

from avon_analytics import errors
from avon_analytics.errors import AvonError, StoreError
from avon_analytics.intake.read.signature import Secrets

if TYPE_CHECKING:
    from pyspark.core.broadcast import Broadcast
    from pyspark.sql import SparkSession

Batches: TypeAlias = Iterator[pa.RecordBatch]

# One row is a line that goes to a bucket, or a word about a file or a line. ``turn`` orders them:
# what is taken out of the quarantine comes before the archive, what is taken in again after it.
# ``message`` is the event of a line, and of all else a word in JSON; ``read`` is what a line says:
# the second task does not read it again.
SENT = (
    "bucket int, turn int, what string, file string, line bigint, byte_offset bigint, "
    "byte_length bigint, content binary, read binary, message string"
)
TAKEN_OUT, ARCHIVED, RETRIED = 0, 1, 2  # the turns

# One row is a file that was written, or a word that is passed on to the driver.
FOR_DRIVER = "what string, message string"

_TYPES = {"int": pa.int32(), "bigint": pa.int64(), "string": pa.string(), "binary": pa.binary()}
SENT_SCHEMA, _DRIVER_SCHEMA = (
    pa.schema([(name, _TYPES[kind]) for name, kind in map(str.split, columns.split(", "))])
    for columns in (SENT, FOR_DRIVER)
)
_TAG = re.compile(r"-b(\d+)of(\d+)_\d+\.parquet$")
_ERROR = re.compile(r"^avon_analytics\.errors\.(\w+): (.*)$", re.MULTILINE)


def bucket_of(key: str, n_buckets: int) -> str:
    """SQL for the bucket of a key: the same on every machine, in every version of the engine."""
    return f"CAST(CAST('0x' || left(md5({key}), 15) AS BIGINT) % {n_buckets} AS INTEGER)"


def bucket_in(path: str) -> tuple[int, int]:
    """The bucket whose rows a file of the lake holds, and of how many; (0, 0) if none is said."""
    found = _TAG.search(path)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def divided_otherwise(paths: Iterable[str], n_buckets: int) -> list[str]:
    """Those files that hold rows of other buckets: if there is one, all are written anew."""
    return [path for path in paths if bucket_in(path)[1] != n_buckets]


KEY_OF_PLACE = "file || ':' || line"
"""SQL for the same as ``key_of_place``."""


def key_of_place(file: str, line: int) -> str:
    """What sends a line that reports no event to its bucket."""
    return f"{file}:{line}"


def buckets_of(keys: Sequence[str], n_buckets: int) -> list[int]:
    """The buckets of some keys."""
    digests = (hashlib.md5(key.encode(), usedforsecurity=False).hexdigest() for key in keys)
    return [int(digest[:15], 16) % n_buckets for digest in digests]


def words(turn: int, what: str, rows: Iterable[Mapping[str, Any]]) -> pa.RecordBatch:
    """Rows that are no lines, of one kind; ``message`` is what they say, as plain values."""
    common = {"turn": turn, "what": what}
    sent = [{**row, **common, "message": json.dumps(row["message"])} for row in rows]
    return pa.RecordBatch.from_pylist(sent, schema=SENT_SCHEMA)


def for_driver(what: str, values: list[Any]) -> pa.RecordBatch:
    """Rows for the driver."""
    rows = [{"what": what, "message": json.dumps(value)} for value in values]
    return pa.RecordBatch.from_pylist(rows, schema=_DRIVER_SCHEMA)


@dataclass(frozen=True)
class SharedSecrets:
    """Secrets as a broadcast variable: tasks get them, and no plan, log or page shows them."""

    by_name: Broadcast[tuple[dict[str, bytes], dict[str, bytes]]] | None

    def in_task(self) -> Secrets | None:
        """The secrets, inside a task."""
        return None if self.by_name is None else Secrets(*self.by_name.value)


@contextmanager
def shared_secrets(session: SparkSession, secrets: Secrets | None) -> Iterator[SharedSecrets]:
    """Secrets, given to the tasks of a session and taken from its executors at the end."""
    if secrets is None:
        yield SharedSecrets(None)
        return
    variable = session.sparkContext.broadcast((dict(secrets.items()), dict(secrets.others())))
    try:
        yield SharedSecrets(variable)
    finally:
        variable.destroy()


def in_our_words(task: Callable[..., Batches]) -> Callable[..., Batches]:
    """A task whose failures quote no row: the engine's own words could."""

    @wraps(task)
    def run(self: object, batches: Batches) -> Batches:
        try:
            yield from task(self, batches)
        except duckdb.Error as error:
            raise StoreError(
                f"a task of the load failed: the engine refused ({type(error).__name__})"
            ) from None

    return run


def error_of(text: str) -> AvonError | None:
    """The error of ours that a task raised, as Spark quotes it."""
    found: list[tuple[str, str]] = _ERROR.findall(text)
    kinds: Mapping[str, Any] = vars(errors)
    return kinds[found[-1][0]](found[-1][1]) if found else None
