"""What went wrong with a store, in a sentence of ours.

The engine's own text is not passed on: it can quote what a row holds. It is read for the reason
only, without the paths in it, whose words say nothing.
"""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

import duckdb

from avon_analytics.errors import StoreError
from avon_analytics.store.lake import is_lake
from avon_analytics.store.tables import stored_tables
from avon_analytics.store.waiting import holder, reason
from avon_analytics.whole_file import is_no_file

# What the engine raises, beside errors of input and output, where it cannot read what it has read.
_AT_A_LOSS = (
    duckdb.Error,
    duckdb.InternalException,
    duckdb.FatalException,
    duckdb.SerializationException,
)
_FULL = re.compile(r"no space left|disk (is )?full|quota exceeded|file too large|could not write")
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_IS_FULL = (
    "cannot write {}: the disk is full; what was finished before stays, and nothing is half done: "
    "make room, and run the same command again"
)
_CLOSED = re.compile(r"permission denied|operation not permitted|read-only file system")
_NO_STORE = re.compile(r"not a valid duckdb|magic bytes")
_NEWER = re.compile(r"newer version|storage version|version number")
_NO_TABLE = re.compile(r"table with name (\w+) does not exist")
_DAMAGE = re.compile(
    r"corrupt|checksum|could not read|unexpected end|does not match|truncated|deserialize"
)


def is_of_the_file(error: duckdb.Error) -> bool:
    """Whether a store's file, or the room for it, is what went wrong, and not a statement."""
    return (
        isinstance(error, (duckdb.IOException, duckdb.OutOfMemoryException))
        or _lost_table(error) is not None
        or (type(error) in _AT_A_LOSS and _DAMAGE.search(reason(error)) is not None)
        or holder(error) is not None
    )


def _lost_table(error: Exception) -> str | None:
    """A table that every store has, and this one no longer."""
    found = _NO_TABLE.search(reason(error)) if isinstance(error, duckdb.CatalogException) else None
    return found[1] if found and found[1] in stored_tables() else None


def is_file(path: str) -> bool:
    """Whether a file stands there. Raises StoreError where the system does not say."""
    try:
        return Path(path).is_file()
    except OSError as error:
        raise store_error(path, error) from None


def refuse_folder(path: str) -> None:
    """Raises StoreError for a folder that is no lake, such as that of an archive."""
    if os.path.isdir(path) and not is_lake(path):
        raise _folder_error(path)


def _folder_error(path: str) -> StoreError:
    return StoreError(
        f"{path} is a folder, and a store is a file: name one, such as avon.duckdb (--db), and "
        "load the folder into it if it is an archive"
    )


def refuse_no_file(path: str) -> None:
    """Raises StoreError for a pipe or a device, for which the engine would wait for ever."""
    if is_no_file(Path(path)):
        raise StoreError(f"{path} is a pipe or a device: name a file with --db")


def store_error(path: str, error: Exception, waited: float = 0.0) -> StoreError:
    """What the engine or the operating system said about a store file, in a sentence of ours.

    Raises KeyboardInterrupt where the engine was interrupted in Python code that it had called.
    """
    if isinstance(error, duckdb.Error) and "KeyboardInterrupt" in str(error):
        raise KeyboardInterrupt from None
    if isinstance(error, duckdb.TransactionException) and isinstance(error.__context__, Exception):
        error = error.__context__  # that a failed transaction cannot be rolled back says nothing
    if found := holder(error, path):
        after = f", {waited:g} s later too" if waited else ""
        return StoreError(
            f"{path} is in use by {found}{after}: wait until it is done (--wait SECONDS, wait=), "
            "or end it"
        )
    if isinstance(error, PermissionError):
        return StoreError(f"cannot open {path}: no permission to read or write it")
    if not os.path.isdir(Path(os.path.realpath(path)).parent):
        return StoreError(f"cannot use {path}: there is no folder {Path(path).parent}")
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        return StoreError(_IS_FULL.format(path))
    if isinstance(error, OSError):
        return StoreError(f"cannot use {path}: {error.strerror or 'the system refused'}")
    if os.path.isdir(path) and not is_lake(path):
        return _folder_error(path)
    if isinstance(error, duckdb.OutOfMemoryException):
        return StoreError(f"cannot use {path}: the engine has too little memory or disk for this")
    why = reason(error, path)
    if _FULL.search(why):
        return StoreError(_IS_FULL.format(path))
    if _CLOSED.search(why):
        return StoreError(f"cannot open {path}: no permission to read or write it")
    if _NO_STORE.search(why):
        return StoreError(f"{path} is not a DuckDB file: name another file with --db")
    if _NEWER.search(why):
        return StoreError(f"{path} was written by a newer DuckDB: upgrade the duckdb package")
    lost = _lost_table(error)
    if lost is not None or _DAMAGE.search(why):
        what = _what_was_found(why) if lost is None else f"its table {lost} is missing"
        return StoreError(
            f"{path} is damaged: {what}. The archive still has everything: load it "
            "into a new file, with 'avon-analytics load PATH --db NEW', or bring back a copy"
        )
    return StoreError(f"cannot use {path}: the engine refused ({type(error).__name__})")


def _what_was_found(why: str) -> str:
    if "checksum" in why:
        return "the bytes of a block are not those that were written (its checksum differs)"
    if re.search(r"could not read|unexpected end|truncated", why):
        return "the file ends before a block that it should hold"
    return "what stands in it cannot be read as a store"
