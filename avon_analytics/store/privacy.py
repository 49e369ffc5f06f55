"""Which data set a store holds: all that was sent, or a limited data set without identifiers.

The word stands in the store's settings, under ``privacy``; a store made before there was a choice
has none and holds all. Source: 45 CFR 164.514(e), the HIPAA limited data set.
"""

from __future__ import annotations

from typing import Literal, get_args

import duckdb

from avon_analytics.arguments import choice
from avon_analytics.errors import UsageError
from avon_analytics.store.settings import set_setting, setting

Privacy = Literal["full", "limited"]
PRIVACIES: tuple[Privacy, ...] = get_args(Privacy)


def privacy_of(connection: duckdb.DuckDBPyConnection) -> Privacy:
    """The data set that an open store holds."""
    return "limited" if setting(connection, "privacy") == "limited" else "full"


def agree_on(connection: duckdb.DuckDBPyConnection, wanted: str | None) -> Privacy:
    """The data set that a load brings: what the store holds, or for an empty one what is wanted.

    Raises UsageError for a word that is no choice, and for a wish that the store cannot meet: one
    that holds identifiers is not limited any more, and a limited one gets none.
    """
    if wanted is not None:
        choice("privacy", wanted, PRIVACIES)
    agreed = privacy_of(connection)
    if wanted is None or wanted == agreed:
        return agreed
    ((n_lines,),) = connection.execute("SELECT count(*) FROM deliveries").fetchall()
    if n_lines:
        raise UsageError(
            "this store already holds identifiers, so it cannot become a limited data set: "
            "load into a new one (--db)"
            if wanted == "limited"
            else "this store is a limited data set and stays one: "
            "to keep identifiers, load into a new one (--db)"
        )
    set_setting(connection, "privacy", wanted)
    return "limited" if wanted == "limited" else "full"
