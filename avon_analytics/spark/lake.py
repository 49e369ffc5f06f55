"""The Python face of a lake on a cluster: opened, and asked for cohorts."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from avon_analytics.appointments.cohort import Cohort
from avon_analytics.appointments.source import CohortSource
from avon_analytics.display import Shown, Summary
from avon_analytics.errors import StoreError
from avon_analytics.labels import Labels, LabelsLike
from avon_analytics.spark.engine import LakeEngine
from avon_analytics.spark.session import own_session
from avon_analytics.store.lake import newest_state
from avon_analytics.store.making import check_time_zone
from avon_analytics.suggestions import did_you_mean

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


def open(  # noqa: A001
    session: SparkSession,
    lake: str | os.PathLike[str],
    *,
    time_zone: str | None = None,
    scratch: str | os.PathLike[str] | None = None,
    labels: LabelsLike = None,
) -> Lake:
    """Open the newest state of a lake on a Spark cluster.

    lake: a folder that driver and executors see under one path.
    time_zone: as in ``avon_analytics.open``; without it, the lake's own.
    scratch: such a folder, too, for what is computed on the way; without it, one in the lake.
    labels: as in ``avon_analytics.open``.

    The session given is left as it is: settings and views belong to a session of our own.

    Raises StoreError where there is no lake, UsageError for an unknown time zone or a session of
    Spark Connect.
    """
    path = os.path.abspath(lake)
    if time_zone is not None:
        check_time_zone(time_zone)
    state = newest_state(path)
    if state is None:
        raise StoreError(
            f"there is no lake at {path}: write one from a store first, with "
            f"store.write_lake(folder).{did_you_mean(path)}"
        )
    own = own_session(session)
    where = None if scratch is None else os.path.abspath(scratch)
    engine = LakeEngine(own, path, state, where, time_zone or state.time_zone)
    return Lake(engine, own, Labels.read(labels))


class Lake(CohortSource[Cohort], Shown):
    """One state of a lake, asked on a cluster. What is written later, a new ``open`` shows.

    Use it in a ``with`` statement, or call ``close``: that removes what was computed on the way.
    """

    def __init__(
        self, engine: LakeEngine, session: SparkSession, labels: Labels | None = None
    ) -> None:
        super().__init__(engine, labels)
        self._lake = engine
        self._session = session

    @property
    def path(self) -> str:
        """Where the lake is."""
        return self._lake.path

    @property
    def time_zone(self) -> str:
        """The time zone of visits whose own and whose patient's zone are unknown."""
        return self._lake.time_zone

    def sql(self, query: str) -> DataFrame:
        """A query over the lake's tables, as Spark's DataFrame; instants are UTC.

        Raw: identifiers are not hidden. The tables are the ``_versions`` and those of provenance.
        """
        return self._session.sql(query)

    def close(self) -> None:
        """Remove what was computed on the way; cohorts of this lake answer no more."""
        self._lake.close()

    def __enter__(self) -> Lake:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _summary(self) -> Summary:
        return Summary("Lake", [("path", self.path), ("time zone", self.time_zone)])
