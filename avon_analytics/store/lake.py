"""A lake: the tables of a store as Parquet files in a folder, for engines on many machines.

    LAKE/_states/000007.json                       which files each table has, and the settings
    LAKE/events/month=2025-01/….parquet     the rows of a month, by the instant in UTC
    LAKE/loads/month=all/….parquet          what belongs to no month

A state is a list of files, written whole under a number that nobody has used. So what is written is
seen whole or not at all, and of two writers that began with the same state only one is kept. Files
never change; those that neither the newest state nor the one before names are then removed.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import duckdb

from avon_analytics.errors import StoreError, UsageError
from avon_analytics.store.privacy import privacy_of
from avon_analytics.store.schema import (
    CREATE_SETTINGS,
    SCHEMA_VERSION,
    literal,
    quote,
    view_statements,
)
from avon_analytics.store.tables import TableColumn, stored_tables

STATES = "_states"
SCRATCH = "_scratch"  # what a computation writes on its way
NO_MONTH = "all"  # where rows are that belong to no month
_DIGITS = 6
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")

Files = Mapping[str, tuple[str, ...]]
"""The files of a table by month, as paths below the lake."""


@dataclass(frozen=True, slots=True)
class State:
    """What a lake holds after it was written."""

    number: int = 0
    settings: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, Files] = field(default_factory=dict)

    @property
    def time_zone(self) -> str:
        """The time zone of visits whose own and whose patient's zone are unknown."""
        return self.settings.get("time_zone", "UTC")

    def files(self, table: str) -> tuple[str, ...]:
        """Every file of a table, as paths below the lake."""
        months = self.tables.get(table, {})
        return tuple(path for month in sorted(months) for path in months[month])


def place_of(store: str | os.PathLike[str]) -> str:
    """The path of a store in full: of some beginnings the engine would make no file.

    Raises UsageError for one of which the engine takes a part for something else, and for a URL.
    """
    if _URL.match(os.fspath(store)):
        raise UsageError("a store or lake stands on a disk: its path is no URL, as an archive's is")
    place = os.path.realpath(store)
    for letter in "?\\" if os.sep == "/" else "?":
        if letter in place:
            raise UsageError(f"the path of a store cannot hold {letter}, and {place} does")
    return place


def is_lake(path: str | os.PathLike[str]) -> bool:
    """Whether a folder is a lake."""
    return os.path.isdir(Path(path) / STATES)


def newest_state(lake: str | os.PathLike[str]) -> State | None:
    """The state that was written last; None for a folder that is no lake yet.

    Raises StoreError where it cannot be read, or was written by a newer avon_analytics.
    """
    numbers = state_numbers(lake)
    return _read(Path(lake), numbers[-1]) if numbers else None


def state_numbers(lake: str | os.PathLike[str]) -> list[int]:
    """The numbers of all states that are there, the oldest first."""
    folder = Path(lake) / STATES
    try:
        names = [path.stem for path in folder.glob("*.json")] if folder.is_dir() else []
    except OSError as error:
        raise StoreError(f"cannot read the lake {lake}: {error.strerror}") from None
    return sorted(int(name) for name in names if name.isdigit())


def publish(lake: str | os.PathLike[str], state: State) -> None:
    """Make a state the newest one, unless another writer was faster.

    Raises StoreError in that case: what was written is not seen.
    """
    folder = Path(lake) / STATES
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(
        {
            "settings": dict(state.settings),
            "tables": {
                table: {month: list(files) for month, files in sorted(months.items()) if files}
                for table, months in sorted(state.tables.items())
            },
        },
        indent=1,
    )
    part = folder / f".{uuid4().hex}"
    part.write_text(text, "utf-8")
    try:
        os.link(part, folder / f"{state.number:0{_DIGITS}}.json")
    except FileExistsError:
        raise StoreError(
            f"{lake} was written by another process meanwhile: write it again"
        ) from None
    finally:
        part.unlink()


def remove_unused(lake: str | os.PathLike[str]) -> None:
    """Remove files and states that neither the newest state nor the one before it names."""
    root, numbers = Path(lake), state_numbers(lake)
    kept = [_read(root, number) for number in numbers[-2:]]
    used = {path for state in kept for table in state.tables for path in state.files(table)}
    for table in stored_tables():
        for path in (root / table).glob("*/*.parquet"):
            if path.relative_to(root).as_posix() not in used:
                path.unlink(missing_ok=True)
    for number in numbers[:-2]:
        (root / STATES / f"{number:0{_DIGITS}}.json").unlink(missing_ok=True)


def _read(lake: Path, number: int) -> State:
    try:
        state = json.loads((lake / STATES / f"{number:0{_DIGITS}}.json").read_text("utf-8"))
        settings = {str(name): str(value) for name, value in state["settings"].items()}
        tables = {
            table: {month: tuple(files) for month, files in months.items()}
            for table, months in state["tables"].items()
        }
    except OSError as error:
        raise StoreError(f"cannot read the lake {lake}: {error.strerror}") from None
    except (ValueError, KeyError, AttributeError, TypeError):
        raise StoreError(f"the state {number} of the lake {lake} is damaged") from None
    version = int(settings.get("schema_version", 0))
    if version < SCHEMA_VERSION:
        raise StoreError(
            f"{lake} was written by an earlier avon_analytics (store version {version}, this one "
            f"knows {SCHEMA_VERSION}): write it anew from a store into which the archive was loaded"
        )
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"{lake} was written by a newer avon_analytics (store version "
            f"{version}, this one knows {SCHEMA_VERSION}): upgrade it"
        )
    return State(number, settings, tables)


def folder_for(lake: str | os.PathLike[str]) -> Path:
    """The folder into which a lake is written; a new one is readable by its owner alone.

    Raises UsageError for a folder in which other things stand: what a lake no longer needs of its
    own is removed; StoreError where it cannot be written.
    """
    place_of(lake)
    root = Path(os.path.abspath(lake))
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        names = () if is_lake(root) else sorted(os.listdir(root))
    except OSError as error:
        raise StoreError(f"cannot write the lake {root}: {error.strerror}") from None
    known = {*stored_tables(), SCRATCH}  # of a lake that was not finished
    strange = next((name for name in names if name not in known and name[0] != "."), None)
    if strange is not None:
        raise UsageError(
            f"{root} is no lake, and {strange} stands in it: name a new or an empty folder"
        )
    if not os.access(root, os.W_OK | os.X_OK):
        raise StoreError(f"cannot write the lake {root}: no permission, or a disk to be read only")
    return root


def write_lake(
    connection: duckdb.DuckDBPyConnection, lake: str | os.PathLike[str], time_zone: str
) -> State:
    """Write the tables of the store that a connection reads as the next state of a lake.

    Raises what ``folder_for`` raises.
    """
    root, tag = folder_for(lake), uuid4().hex
    before = newest_state(root) or State()
    try:
        tables = write_tables(connection, root, tag)
        settings = {"schema_version": str(SCHEMA_VERSION), "time_zone": time_zone}
        settings["privacy"] = privacy_of(connection)
        state = State(before.number + 1, settings, tables)
        publish(root, state)
    except (OSError, duckdb.IOException) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise StoreError(
            f"cannot write the lake {lake}: {reason or 'no permission, or the disk is full'}"
        ) from None
    remove_unused(root)
    return state


def write_tables(
    connection: duckdb.DuckDBPyConnection,
    lake: Path,
    tag: str,
    names: Iterable[str] | None = None,
) -> dict[str, Files]:
    """Write rows of a store into a lake, in files whose names begin with ``tag``; in no state yet.

    Tables without rows have no files. ``names`` chooses some tables.
    """
    written: dict[str, Files] = {}
    filled = _filled(connection)
    for table in stored_tables() if names is None else names:
        if table in filled:
            (lake / table).mkdir(exist_ok=True)
            connection.execute(_copy(lake, table, stored_tables()[table], tag))
            written[table] = _written(lake, table, tag)
    return written


def _filled(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """The tables of a store that have rows."""
    # One statement: to plan one for each table takes longer than to write a small bucket.
    looks = [f"(SELECT {literal(name)} FROM {quote(name)} LIMIT 1)" for name in stored_tables()]
    return {name for (name,) in connection.execute(" UNION ALL ".join(looks)).fetchall()}


def _copy(root: Path, table: str, columns: tuple[TableColumn, ...], tag: str) -> str:
    names = ", ".join(
        f"CAST({quote(c.name)} AS VARCHAR) AS {quote(c.name)}"
        if c.sql_type in ("JSON", "UUID")
        else quote(c.name)
        for c in columns
    )
    is_dated = any(column.name == "occurred_at" for column in columns)
    month = (
        f"coalesce(strftime(occurred_at, '%Y-%m'), '{NO_MONTH}')" if is_dated else f"'{NO_MONTH}'"
    )
    rows = f"SELECT {names}, {month} AS month FROM {quote(table)}"
    how = f"PARTITION_BY (month), OVERWRITE_OR_IGNORE, FILENAME_PATTERN '{tag}_{{i}}'"
    return f"COPY ({rows}) TO {literal(str(root / table))} (FORMAT parquet, {how})"


def _written(root: Path, table: str, tag: str) -> dict[str, tuple[str, ...]]:
    months: dict[str, tuple[str, ...]] = {}
    for path in sorted((root / table).glob(f"*/{tag}_*.parquet")):
        month = path.parent.name.partition("=")[2]
        months[month] = (*months.get(month, ()), path.relative_to(root).as_posix())
    return months


def view_of_lake(lake: str, state: State) -> Iterator[str]:
    """Every statement with which DuckDB sees a lake as it sees a store: as views, read-only."""
    yield CREATE_SETTINGS
    if state.settings:
        rows = ", ".join(f"({literal(k)}, {literal(v)})" for k, v in state.settings.items())
        yield f"INSERT INTO settings VALUES {rows}"
    for table, columns in stored_tables().items():
        files = [os.path.join(lake, path) for path in state.files(table)]
        yield f"CREATE VIEW {quote(table)} AS {rows_of_files(files, columns)}"
    yield from view_statements()


def files_of_lake(lake: str) -> list[str]:
    """The files of the newest state of a lake."""
    state = newest_state(lake) or State()
    return [os.path.join(lake, path) for table in state.tables for path in state.files(table)]


def rows_of_files(files: Sequence[str], columns: tuple[TableColumn, ...]) -> str:
    """A table's rows in its own types: Parquet has no JSON and Spark no UUID."""
    if not files:
        nothing = ", ".join(f"CAST(NULL AS {c.sql_type}) AS {quote(c.name)}" for c in columns)
        return f"SELECT {nothing} WHERE false"
    typed = ", ".join(
        f"CAST({quote(c.name)} AS {c.sql_type}) AS {quote(c.name)}"
        if c.sql_type in ("JSON", "UUID")
        else quote(c.name)
        for c in columns
    )
    names = ", ".join(map(literal, files))
    return f"SELECT {typed} FROM read_parquet([{names}], hive_partitioning = false)"
