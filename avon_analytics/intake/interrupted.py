"""A load that somebody stops: what of it stays, in one sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import duckdb

from avon_analytics.errors import Interrupted, StoreError
from avon_analytics.intake.load import OnProgress, Progress
from avon_analytics.printable import counted
from avon_analytics.store.database import Database

_GOES_ON = "the same command goes on from there"


@contextmanager
def interruptible(
    database: Database,
) -> Iterator[Callable[[OnProgress | None], OnProgress]]:
    """Raises Interrupted in place of KeyboardInterrupt, with what the load has brought till then.

    What is yielded wraps a callback of progress: its first call says which load it is.
    """
    load_id: int | None = None

    def begun(on_progress: OnProgress | None) -> OnProgress:
        def call(progress: Progress) -> None:
            nonlocal load_id
            if load_id is None:
                load_id = _newest_load(database)
            if on_progress is not None:
                on_progress(progress)

        return call

    try:
        yield begun
    except BaseException as error:
        if not _is_interruption(error):
            raise
        raise Interrupted(_sentence(database, load_id)) from None


def _is_interruption(error: BaseException) -> bool:
    """Whether it is one, or what one has led to on its way out."""
    reason: BaseException | None = error
    while reason is not None:
        if isinstance(reason, KeyboardInterrupt):
            return True
        if isinstance(reason, RuntimeError | duckdb.Error) and "nterrupt" in str(reason):
            return True
        reason = reason.__cause__ or reason.__context__
    return False


def _newest_load(database: Database) -> int:
    with database.reading() as connection:
        ((newest,),) = connection.execute("SELECT max(load_id) FROM loads").fetchall()
    return int(newest)


def _sentence(database: Database, load_id: int | None) -> str:
    if load_id is None:
        return f"interrupted before anything was loaded: {_GOES_ON}"
    for _ in range(2):  # an interruption that was not heard comes again, and ends this, too
        with suppress(StoreError, duckdb.Error, ValueError):
            return _of_load(database, load_id)
    return f"interrupted: the files that were loaded whole stay, and {_GOES_ON}"


def _of_load(database: Database, load_id: int) -> str:
    database.begin_anew()
    with database.reading() as connection:
        ((files, lines, loaded),) = connection.execute(
            "SELECT files, lines, loaded FROM loads WHERE load_id = $id", {"id": load_id}
        ).fetchall()
    if not files:
        return f"interrupted before a file was loaded whole: {_GOES_ON}"
    return (
        f"interrupted: {counted(files, 'file')} with {counted(lines, 'line')}, "
        f"{loaded:,} of them new events, {'is' if files == 1 else 'are'} loaded and "
        f"{'stays' if files == 1 else 'stay'}; {_GOES_ON}"
    )
