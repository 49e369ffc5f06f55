"""Rows of the engine as a DataFrame whose column types do not depend on the values."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import duckdb
import pandas as pd

# What a column of each SQL type becomes. Nullable types, so that a missing value in one row does
# not change the type of the column.
DTYPES: Mapping[str, str] = {
    "VARCHAR": "str",
    "JSON": "str",
    "UUID": "str",
    "BOOLEAN": "boolean",
    "INTEGER": "Int64",
    "BIGINT": "Int64",
    "HUGEINT": "Int64",
    "DOUBLE": "float64",
    "DATE": "datetime64[us]",
    "TIMESTAMP": "datetime64[us]",
    "TIMESTAMP WITH TIME ZONE": "datetime64[us, UTC]",
}


def frame(
    connection: duckdb.DuckDBPyConnection,
    query: str,
    parameters: Mapping[str, Any] | list[Any] | None = None,
    dtypes: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """The rows of a query, with the same column types whatever the rows hold.

    Instants are ``datetime64[us, UTC]``, dates are midnights in ``datetime64[us]``, texts ``str``,
    counts ``Int64``, flags ``boolean``; ``dtypes`` names other ones for single columns.
    """
    result = connection.execute(
        query, parameters if isinstance(parameters, list) else dict(parameters or {})
    )
    sql_types = [str(sql_type) for _, sql_type, *_ in result.description or ()]
    with warnings.catch_warnings():
        # duckdb 2.0 drops a column of its own in a way that pandas 3.1 no longer likes.
        warnings.filterwarnings("ignore", message="The inplace keyword in DataFrame.drop")
        # What does not fit is an error of astype; the warning before it says the same.
        warnings.filterwarnings("ignore", message="invalid value encountered in cast")
        data = result.df()
        # By position: of two columns with one name, pandas gets the second under another.
        types = dict(zip(data.columns, sql_types, strict=True))
        wanted = {name: DTYPES[kind] for name, kind in types.items() if kind in DTYPES}
        wanted |= {name: kind for name, kind in (dtypes or {}).items() if name in types}
        return data.astype(wanted)
