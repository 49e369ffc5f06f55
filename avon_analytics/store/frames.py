"""Rows of the engine as a DataFrame whose column types do not depend on the values."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np

if TYPE_CHECKING:
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
    query: str | duckdb.Statement,
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
    kinds = [str(kind) for _, kind, *_ in result.description or ()]
    with warnings.catch_warnings():
        # duckdb 2.0 drops a column of its own in a way that pandas 3.1 no longer likes.
        warnings.filterwarnings("ignore", message="The inplace keyword in DataFrame.drop")
        # What does not fit is an error of astype; the warning before it says the same.
        warnings.filterwarnings("ignore", message="invalid value encountered in cast")
        if all(kind in DTYPES for kind in kinds):
            data, wanted = _of_known_types(result, kinds), {}
        else:
            data = result.df()
            # By position: of two columns with one name, pandas gets the second under another.
            types = zip(data.columns, kinds, strict=True)
            wanted = {name: DTYPES[kind] for name, kind in types if kind in DTYPES}
        wanted |= {name: kind for name, kind in (dtypes or {}).items() if name in data.columns}
        return data.astype(wanted) if wanted else data


def _of_known_types(result: duckdb.DuckDBPyConnection, kinds: list[str]) -> pd.DataFrame:
    """The rows of a result of which every column has one of ``DTYPES``.

    The engine's own ``df`` takes apart and builds anew the frame for each column of instants: a
    figure of a small clinic would wait longer for that than for its numbers.
    """
    import pandas as pd

    columns = result.fetchnumpy()
    arrays = {
        name: _column(found, DTYPES[kind])
        for (name, found), kind in zip(columns.items(), kinds, strict=True)
    }
    return pd.DataFrame(arrays, copy=False)  # nobody else has them


def _column(found: Any, dtype: str) -> Any:
    """One column of the engine as an array of this type; what it masks is missing."""
    import pandas as pd

    values, is_missing = np.ma.getdata(found), np.ma.getmaskarray(found)
    if dtype == "boolean":
        return pd.arrays.BooleanArray(values.astype(bool), is_missing)
    if dtype == "Int64" and values.dtype.kind == "i":
        return pd.arrays.IntegerArray(values.astype(np.int64, copy=False), is_missing)
    if dtype.startswith("datetime64"):
        instants = pd.DatetimeIndex(np.where(is_missing, np.datetime64("NaT"), values)).as_unit(
            "us"
        )
        return instants.tz_localize("UTC") if dtype.endswith("UTC]") else instants
    if dtype == "str":
        texts = values.astype(object)
        texts[is_missing] = None
        return pd.array(texts, dtype="str")
    numbers = values.astype(np.float64)
    numbers[is_missing] = np.nan
    return pd.Series(numbers).astype("Int64").array if dtype == "Int64" else numbers
