"""What patients did after a cancellation or a no-show, computed once per store and instant."""

from __future__ import annotations

import duckdb

from avon_analytics.appointments.queries import sql
from avon_analytics.appointments.slots import Computed


def follow_up(
    connection: duckdb.DuckDBPyConnection, tables: Computed, *, include_internal: bool
) -> str:
    """The name of the temporary table that ``sql/follow_up.sql`` fills, made unless it is there.

    It looks at all slots of the store, not at those of a cohort alone: who came back outside the
    window, or to another host, came back.
    """
    name = tables.follow_ups[include_internal]
    kept = "true" if include_internal else "NOT internal"
    connection.execute(
        f"CREATE TEMP TABLE IF NOT EXISTS {name} AS WITH every_slot AS "
        f"(SELECT * FROM {tables.slots} WHERE {kept}) SELECT * FROM ({sql('follow_up')})"
    )
    return name
