"""Loading an archive on a cluster: Spark shares the files and brings lines together.

    files ─► shares ─► read ─────────► buckets ─► write ─────────────► files ─► state
                       one per share,  Spark's    one per bucket, the  in the   what the lake
                       the same reader shuffle    same writer          lake     shows next

A bucket is the lines of some events. All lines of an event are in one, so repeats and conflicts are
settled there as in a store, by the same statements. The driver keeps the log.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING
from uuid import uuid4

import duckdb

from avon_analytics.arguments import whole_number
from avon_analytics.intake.archive.files import ArchiveFile, Paths
from avon_analytics.intake.archive.lines import LINE_LIMIT, FileRules, checked_limit
from avon_analytics.intake.load import files_to_load
from avon_analytics.intake.read.codes import Policy
from avon_analytics.intake.read.signature import Secrets, SecretsLike
from avon_analytics.intake.write.load_log import LoadLog, with_unique_paths
from avon_analytics.intake.write.receipt import Receipt
from avon_analytics.spark.cluster import Cluster
from avon_analytics.spark.lake_log import (
    LOGS,
    close_files,
    lake_log,
    settings_of,
    show,
    with_lines_to_retry,
)
from avon_analytics.spark.messages import shared_secrets
from avon_analytics.spark.read_task import ReadOptions
from avon_analytics.spark.session import own_session
from avon_analytics.spark.shares import MIB, SHARE_BYTES
from avon_analytics.store.lake import (
    State,
    folder_for,
    newest_state,
    publish,
    remove_unused,
    write_tables,
)
from avon_analytics.store.making import check_time_zone
from avon_analytics.store.privacy import Privacy, agree_on
from avon_analytics.store.trouble import store_error

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_BATCH_BYTES = 8 * MIB  # less than on one machine: an executor has several tasks and little memory
_SMALL_BUCKET = 64 * MIB  # a bucket for each core, unless they would be smaller than this …
_LARGE_BUCKET = 4096 * MIB  # … and more of them where they would be larger than that
_MOST_BUCKETS = 100_000  # of 4 GiB: more than anybody has
_BUCKETS = "buckets"  # the setting of a lake that says how many there are


def load(
    session: SparkSession,
    paths: Paths,
    lake: str | os.PathLike[str],
    *,
    secrets: SecretsLike = None,
    policy: Policy = "require",
    privacy: Privacy | None = None,
    line_limit: int = LINE_LIMIT,
    recheck: bool = False,
    allow_truncated: bool = False,
    time_zone: str | None = None,
    buckets: int | None = None,
    share_bytes: int = SHARE_BYTES,
) -> Receipt:
    """Load an archive into a lake on a Spark cluster: the tables that a store would get.

    paths: as in ``Store.load``; driver and executors see files and lake under the same paths.
    secrets, policy, privacy, line_limit, recheck, allow_truncated: as in ``Store.load``. Secrets
        travel as a broadcast variable, and stand in no plan, log or page of Spark.
    time_zone: as in ``avon_analytics.open``; a new lake remembers it.
    buckets: into how many ranges events are divided, each of which one task takes in. Without it,
        as many as before; in a new lake one for each core, and more where they would grow beyond
        4 GiB of lines.
    share_bytes: about how many bytes of lines a task reads; plain files are cut at line ends.

    The load is seen whole or not at all. Returns the receipt that ``Store.load`` would return.

    Raises what ``Store.load`` raises; StoreError where another process wrote the lake meanwhile, or
    where the lake knows of forgotten people; UsageError for a session of Spark Connect.
    """
    checked_limit(line_limit)
    if time_zone is not None:
        check_time_zone(time_zone)
    whole_number(share_bytes, 1, 2**62, "share_bytes is a whole number from 1")
    if buckets is not None:
        whole_number(
            buckets, 1, _MOST_BUCKETS, f"buckets is a whole number from 1 to {_MOST_BUCKETS:,}"
        )
    found = files_to_load(paths, secrets)
    given = Secrets.for_policy(policy, secrets)
    own = own_session(session)
    root = folder_for(lake)
    state = newest_state(root) or State()
    cluster = Cluster(own, str(root), state, share_bytes)
    try:
        with lake_log(root, state, time_zone) as connection:
            agreed = agree_on(connection, privacy)
            found = with_unique_paths(connection, found)
            log = LoadLog(connection, policy, given, found)
            known = log.known_files()
            files = [
                file
                for file in found.files
                if recheck or file.path not in known or known[file.path].has_changed(file)
            ]
            to_retry = with_lines_to_retry(connection, policy, found.files)
            n_buckets = buckets or _n_buckets(connection, state, files, cluster.n_cores)
            with shared_secrets(own, given) as for_tasks:
                options = ReadOptions(
                    policy=policy,
                    secrets=for_tasks,
                    is_limited=agreed == "limited",
                    of_files=FileRules(line_limit, _BATCH_BYTES, allow_truncated),
                    n_buckets=n_buckets,
                )
                loaded = cluster.load(options, log.load_id, files, known, to_retry)
            settings = {**settings_of(connection), _BUCKETS: str(n_buckets)}
            after = State(state.number + 1, settings, loaded.tables_after(state, n_buckets))
            show(connection, root, after)
            receipts = close_files(connection, log, files, known, loaded)
            receipt = receipts.close(agreed)
            logs = write_tables(connection, root, uuid4().hex, LOGS)
            publish(root, replace(after, tables={**after.tables, **logs}))
    except duckdb.Error as error:
        raise store_error(str(root), error) from None
    remove_unused(root)
    return receipt


def _n_buckets(
    connection: duckdb.DuckDBPyConnection,
    state: State,
    files: Sequence[ArchiveFile],
    n_cores: int,
) -> int:
    """As many buckets as before, unless they have grown far too large."""
    ((stored,),) = connection.execute(
        "SELECT coalesce(sum(bytes_read), 0)::BIGINT FROM archive_files"
    ).fetchall()
    size = int(stored) + sum(file.line_bytes for file in files)
    before, needed = int(state.settings.get(_BUCKETS, 0)), ceil(size / _LARGE_BUCKET)
    if before and needed <= 2 * before:
        return before
    return max(1, needed, min(n_cores, ceil(size / _SMALL_BUCKET)))
