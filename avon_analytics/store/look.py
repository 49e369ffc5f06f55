"""Looking into a store: which tables it has, one of them, and the answer to a query."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import duckdb

from avon_analytics.arguments import choice, flag, scalar
from avon_analytics.arguments import text as text_of
from avon_analytics.errors import QueryError, UnknownTable, UsageError
from avon_analytics.store.counts import counts
from avon_analytics.store.database import Database
from avon_analytics.store.derived import TABLES as DERIVED
from avon_analytics.store.fence import fenced, only_reads
from avon_analytics.store.frames import frame
from avon_analytics.store.schema import quote
from avon_analytics.store.tables import hidden_columns, order_of, table_infos
from avon_analytics.store.trouble import is_of_the_file

if TYPE_CHECKING:
    import pandas as pd

# What the engine may say about a query in its own words: they quote the query, never a row.
_ABOUT_THE_QUERY = (
    duckdb.ParserException,
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.SyntaxException,
)
# What a store keeps for itself: no table of the data dictionary.
OWN_TABLES = frozenset({"settings", *DERIVED})
_CALLED_LIKE_A_METHOD = re.compile(
    r"(Table with name (slots|lifecycle) does not exist!)(\nDid you mean [^\n]*)?", re.IGNORECASE
)
_MISSING = re.compile(
    r"not provided for the following (?:prepared statement )?parameters: ([\w, ]+)"
)
_EXCESS = re.compile(r"identifiers of the excess parameters: ([\w, ]+)")


def tables(database: Database, counted: Mapping[str, int]) -> pd.DataFrame:
    """The tables of a store: ``table``, ``kind``, ``n_rows`` (Int64), ``description``.

    ``kind`` is current (what is so now), history (each version of it), figures (slots and
    lifecycle as of the newest instant) or provenance (where everything came from). ``counted``
    says of some tables how many rows they have; those of the others are counted.
    """
    with database.reading() as connection:
        found = connection.execute(
            "SELECT table_name FROM information_schema.tables "
            "WHERE table_catalog = 'store' AND table_schema = 'main'"
        ).fetchall()
        present = {name for (name,) in found}
        rows = [info for info in table_infos() if info.name in present]
        others = [info.name for info in rows if info.name not in counted]
        counted = {**counts(connection, others, is_lake=database.is_lake), **counted}
    import pandas as pd

    data = pd.DataFrame(
        {
            "table": [info.name for info in rows],
            "kind": [info.kind for info in rows],
            "n_rows": [counted[info.name] for info in rows],
            "description": [info.description for info in rows],
        }
    )
    return data.astype({"table": "str", "kind": "str", "n_rows": "Int64", "description": "str"})


def table(database: Database, name: str, *, identifiers: bool = False) -> pd.DataFrame:
    """One table as a DataFrame; instants are UTC, what is missing is missing.

    Objects stand in the order of their ids, rows of their lists as in the list, slots and
    lifecycle by start; what was logged, and histories, as they were written.

    Columns with direct identifiers of patients and caregivers, free text and unknown fields are
    left out, and named in ``.attrs["hidden"]``, unless ``identifiers=True``. An object that came in
    place of a text can hold anything, and is missing then, too.

    Raises UnknownTable, listing the tables, for a name that the store does not have.
    """
    with database.reading() as connection:
        found = connection.execute(
            "SELECT table_name, list(column_name ORDER BY ordinal_position), "
            "list(data_type ORDER BY ordinal_position) "
            "FROM information_schema.columns WHERE table_catalog = 'store' "
            "AND table_schema = 'main' GROUP BY table_name"
        ).fetchall()
        columns = {
            table: dict(zip(names, types, strict=True))
            for table, names, types in found
            if table not in OWN_TABLES
        }
        choice("table", name, sorted(columns), UnknownTable)
        is_raw = flag(identifiers, "identifiers")
        hidden = [] if is_raw else sorted(hidden_columns(name) & set(columns[name]))
        shown = ", ".join(
            quote(column) if is_raw else _without_objects(column, kind)
            for column, kind in columns[name].items()
            if column not in hidden
        )
        order = ", ".join(f"{quote(column)} NULLS LAST" for column in order_of(name))
        ordered = f" ORDER BY {order}" if order else ""
        data = frame(connection, f"SELECT {shown} FROM {quote(name)}{ordered}")
    data.attrs["hidden"] = hidden
    return data


def _without_objects(column: str, kind: str) -> str:
    """SQL for a column that may be shown, without objects in place of its texts."""
    place = quote(column)
    if kind == "VARCHAR":
        test = f"left(ltrim({place}), 1) NOT IN ('{{', '[')"
    elif kind == "JSON":
        test = f"NOT contains(CAST({place} AS VARCHAR), '{{')"
    else:
        return place
    return f"CASE WHEN {test} THEN {place} END AS {place}"


def bound(
    params: Mapping[str, Any] | Sequence[Any] | None, named: Mapping[str, Any]
) -> Mapping[str, Any] | list[Any]:
    """The values of a query out of ``params`` and of what stands beside it by name.

    Raises UsageError for what is neither a mapping nor a list, and for a value given both ways.
    """
    if params is None:
        return named
    if isinstance(params, Mapping):
        if not all(isinstance(name, str) for name in params):
            raise UsageError("params: expected names as texts")
        if twice := sorted(set(params) & set(named)):
            raise UsageError(f"params: these are given by keyword, too: {', '.join(twice)}")
        return {**params, **named}
    from pandas.api.types import is_list_like

    if isinstance(params, str | bytes) or not is_list_like(params):
        raise UsageError("params: expected a dict, or a list in the order of ? in the query")
    if named:
        raise UsageError("params: a list in the order of ? stands alone, without names beside it")
    return list(params)


def query(database: Database, text: str, parameters: Mapping[str, Any] | list[Any]) -> pd.DataFrame:
    """The answer to a query, raw: nothing is hidden.

    It can neither write nor read or list a file, and works in memory: see ``fence``.

    Raises QueryError for a query that the engine refuses, or that does more than read.
    """
    asked = text_of(text, "a query is a text, in UTF-8")
    with fenced(database) as connection:
        return _answer(connection, asked, parameters)


def _in_our_words(said: str) -> str:
    """What the engine says of a query; of a table that is asked for as its method is called, the
    engine guesses wrong."""
    return _CALLED_LIKE_A_METHOD.sub(
        lambda found: f'{found[1]}\nDid you mean "appointment_{found[2].lower()}"?', said
    )


def _answer(
    connection: duckdb.DuckDBPyConnection,
    text: str,
    parameters: Mapping[str, Any] | list[Any],
) -> pd.DataFrame:
    try:
        text = only_reads(connection, text)
        given = (
            {name: scalar(value) for name, value in parameters.items()}
            if isinstance(parameters, Mapping)
            else [scalar(value) for value in parameters]
        )
        return frame(connection, text, given)
    except _ABOUT_THE_QUERY as error:
        raise QueryError(f"the query cannot be run: {_in_our_words(str(error))}") from None
    except UnicodeError:
        raise QueryError("a parameter is a text in UTF-8") from None
    except (TypeError, ValueError):
        raise QueryError(
            "the answer holds numbers too large for a table: cast them to DOUBLE or VARCHAR"
        ) from None
    except duckdb.Error as error:
        if missing := _MISSING.search(str(error)):
            raise QueryError(
                f"the query names parameters that were not given: {missing.group(1)}"
            ) from None
        if excess := _EXCESS.search(str(error)):
            raise QueryError(
                f"the query has no parameters of these names: {excess.group(1)}; "
                "write $name where a value is to stand"
            ) from None
        if isinstance(error, duckdb.NotImplementedException) and parameters:
            raise QueryError(
                "a parameter is of a type that the engine does not know: give texts, numbers, "
                "dates or lists of them"
            ) from None
        if isinstance(error, duckdb.OutOfMemoryException):
            raise QueryError(
                "the query needs more memory than the engine may use (a query works in memory "
                "alone): narrow it, or open the store with a larger memory_limit"
            ) from None
        if is_of_the_file(error):
            raise
        # Other messages can quote what a row holds.
        kind = type(error).__name__.removesuffix("Exception")
        raise QueryError(
            f"the query cannot be run ({kind}): a store is read-only, other files are out of "
            "reach, and a cast that may fail is written try_cast"
        ) from None
