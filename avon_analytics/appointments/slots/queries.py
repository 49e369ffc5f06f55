"""The SQL texts of this floor: reading them, and putting texts of our own in their places."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any
from weakref import WeakSet

import duckdb

from avon_analytics.contract.zones import zones
from avon_analytics.store.parsed import run
from avon_analytics.store.schema import literal

# Functions that Spark has and DuckDB calls otherwise, so that one text runs on both.
MACROS: Mapping[str, str] = {
    "from_utc_timestamp(instant, zone)": "timezone(zone, instant)",
    "unix_date(day)": "(day - DATE '1970-01-01')",
    "unix_micros(instant)": "epoch_us(instant)",
    "timestamp_micros(micros)": "make_timestamptz(micros)",
    "btrim(written, characters)": "trim(written, characters)",
    "get_json_object(document, path)": "json_extract_string(document, path)",
}

_PARAMETER = re.compile(r"\$(\w+)")
_COMMENT = re.compile(r"--[^\n]*")
_taught: WeakSet[duckdb.DuckDBPyConnection] = WeakSet()


@cache
def sql(name: str) -> str:
    """The statement in ``sql/<name>.sql``."""
    text = files("avon_analytics.appointments").joinpath("sql", f"{name}.sql")
    return text.read_text("utf-8")


def taken_by(text: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the parameters that a statement takes: an engine refuses others."""
    names = _PARAMETER.findall(text)
    return {name: value for name, value in parameters.items() if name in names}


def with_constants(text: str, constants: Mapping[str, str]) -> str:
    """A statement with SQL in place of its parameters, without the comments that name them."""
    return _PARAMETER.sub(lambda found: constants[found[1]], without_comments(text))


def without_comments(text: str) -> str:
    """A statement without its comments."""
    return _COMMENT.sub("", text)


def create_macros(connection: duckdb.DuckDBPyConnection, *, in_store: bool = False) -> None:
    """Teach a connection, once, or the store that is in use, Spark's names."""
    if connection in _taught and not in_store:
        return
    kind = "" if in_store else "TEMP"
    for signature, body in MACROS.items():
        run(connection, f"CREATE OR REPLACE {kind} MACRO {signature} AS {body}")
    if not in_store:
        _taught.add(connection)


def not_copied(text: str, *steps: str) -> str:
    """A statement for DuckDB, which copies the rows of a step that several others read; without
    that, each of them reads what it needs."""
    for step in steps:
        text = text.replace(f"{step} AS (", f"{step} AS NOT MATERIALIZED (")
    return text


_TWO_QUANTILES = re.compile(
    r"percentile_cont\((?P<first>[\d.]+)\)"
    r"(?P<of> WITHIN GROUP \(ORDER BY (?P<value>(?:[^()]|\([^()]*\))+)\)"
    r"(?P<filter>\s*FILTER \(\s*WHERE .*?\s*\))?) AS (?P<name>\w+),\s*"
    r"percentile_cont\((?P<second>[\d.]+)\)(?P=of) AS (?P<other>\w+)\b",
    re.DOTALL,
)


def quantiles_at_once(text: str) -> str:
    """A statement for DuckDB, which puts values in order once for each quantile of them; two that
    are asked for at once share the order."""

    def at_once(found: re.Match[str]) -> str:
        both = f"quantile_cont({found['value']}, [{found['first']}, {found['second']}])"
        both += found["filter"] or ""
        return f"({both})[1] AS {found['name']}, ({both})[2] AS {found['other']}"

    return _TWO_QUANTILES.sub(at_once, text)


def zone_names() -> str:
    """The table of the names of time zones as SQL text, of those zones that the engine knows."""
    names = literal("|".join(f"{spelling}={zone}" for spelling, zone in zones().items()))
    return (
        "SELECT split_part(pair, '=', 1) AS spelling, split_part(pair, '=', 2) AS zone "
        f"FROM (SELECT unnest(string_split({names}, '|')) AS pair) "
        "WHERE split_part(pair, '=', 2) IN (SELECT name FROM pg_timezone_names())"
    )


def values(rows: Mapping[str, str], ranks: Mapping[str, int]) -> str:
    """The table of status words as SQL text: spelling, word and its rank among words."""
    lines = ", ".join(
        f"({literal(spelling)}, {literal(word)}, {ranks[word]})" for spelling, word in rows.items()
    )
    return f"SELECT * FROM (VALUES {lines}) AS known (spelling, word, word_rank)"
