"""Every statement, as it is built, is SQL that DuckDB and Spark both read, and read alike.

Spark's names for functions that DuckDB calls otherwise are taught to DuckDB (``MACROS``), and
Spark binds ``:name`` where DuckDB binds ``$name``. Two places are written for one engine: which
time zones it knows (``slot_zones``), and how a population packs its keys into one column.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import sqlglot
from sqlglot import exp

from avon_analytics.appointments.custom_fields import OBJECTS, _query
from avon_analytics.appointments.rows.engine import packed
from avon_analytics.appointments.rows.groupings import GROUPINGS, OF_CANCELLATIONS, groupings
from avon_analytics.appointments.rows.population import population
from avon_analytics.appointments.rows.scope import DATES, PERIODS, Scope
from avon_analytics.appointments.slots import steps
from avon_analytics.appointments.slots.queries import MACROS, sql
from avon_analytics.appointments.slots.statuses import status_words
from tests.appointments.test_sql import COUNTED, NAMES

# sqlglot reads them, whichever DuckDB there is.
pytestmark = pytest.mark.any_engine

SETTINGS = steps.Settings(None, 24, 24, (), "UTC")
ONE_ENGINE = {"slot_zone_names"}
PACKED = "struct_pack("


def built() -> Iterator[tuple[str, str]]:
    """Each statement as it is run, by name; those of figures with every grouping and period."""
    for step in steps.STEPS:
        yield step, steps.text_of(step, status_words())
    for name in NAMES:
        yield name, sql(name)
    for object_type in OBJECTS:
        yield f"custom fields of {object_type}", _query(object_type)
    everything = groupings(
        [*GROUPINGS, *OF_CANCELLATIONS, "custom:cfld_1"], lambda: ["cfld_1"], OF_CANCELLATIONS
    )
    filters = tuple((one, (None, "x")) for one in everything)
    for on in DATES:
        for every in (None, *PERIODS):
            scope = Scope(None, None, on, include_internal=False)
            rows = population(
                "slots",
                scope,
                filters,
                SETTINGS,
                packed,
                by=everything,
                every=every,
            )
            for figure in COUNTED:
                yield f"{figure} by {on}, {every}", rows.query(sql(figure))


STATEMENTS = {name: text for name, text in built() if name not in ONE_ENGINE}


def parsed(text: str, dialect: str) -> exp.Expr:
    if dialect == "spark":
        text = re.sub(r"\$(\w+)", r":\1", text)
    return sqlglot.parse_one(text, dialect=dialect)


@pytest.mark.parametrize("name", STATEMENTS)
def test_both_engines_read_it(name: str) -> None:
    trees = [parsed(STATEMENTS[name], dialect) for dialect in ("duckdb", "spark")]
    assert all(trees)
    # A name in double quotes is a name in DuckDB and a text in Spark.
    assert '"' not in re.sub(r"'[^']*'", "", without_comments(STATEMENTS[name]))
    assert refused(trees[0], STATEMENTS[name]) == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("SELECT extract(dow FROM d) FROM t", "extract"),
        ("SELECT date_diff('day', a, b) FROM t", "date_diff"),
        ("SELECT array_agg(a) FROM t", "array_agg"),
        ("SELECT list(a) FROM t", "array_agg"),
        ("SELECT quantile_cont(a, 0.5) FROM t", "function quantile_cont"),
        ("SELECT a / b FROM t", "division by what may be zero"),
        ("SELECT a FROM generate_series(1, 2) AS t (a)", "table function"),
        ("SELECT row_number() OVER (ORDER BY a) FROM t", "order of missing values: a"),
        ("SELECT a FROM t ORDER BY id, lower(b) DESC", "order of missing values: lower(b) DESC"),
        ("SELECT epoch_us(a) FROM t", "function epoch_us"),
        ("SELECT list_filter(a, lambda x: x > 1) FROM t", "function list_filter"),
    ],
)
def test_what_differs_is_refused(text: str, reason: str) -> None:
    assert reason in refused(parsed(text, "duckdb"), text)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT a / nullif(b, 0), a / 3.6e9 FROM t",
        "SELECT row_number() OVER (PARTITION BY a ORDER BY b DESC NULLS LAST, event_id) FROM t",
        "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY a) FROM t",
        "SELECT max_by(a, b) FILTER (WHERE a IS NOT NULL), unix_micros(c) FROM t",
        "SELECT a FROM t QUALIFY row_number() OVER (ORDER BY id) = 1",
    ],
)
def test_what_does_not_differ_is_let_through(text: str) -> None:
    assert refused(parsed(text, "duckdb"), text) == []


def refused(tree: exp.Expr, text: str) -> list[str]:
    """What the two engines would not do alike."""
    found = [
        reason for kind, reason in DIFFERENT.items() if next(tree.find_all(kind), None) is not None
    ]
    found += [
        "division by what may be zero"
        for division in tree.find_all(exp.Div)
        if not isinstance(division.expression, (exp.Literal, exp.Nullif))
    ]
    found += [
        "table function" for table in tree.find_all(exp.Table) if isinstance(table.this, exp.Func)
    ]
    if next(tree.find_all(exp.Unnest, exp.GenerateSeries), None) is not None:
        found.append("table function")
    words = {word.lower() for word in re.findall(r"(\w+)\s*\(", without_comments(text))}
    found += [f"function {word}" for word in sorted(words & ONLY_DUCKDB)]
    found += [f"order of missing values: {key}" for key in keys_without_null_order(text)]
    return found


DIFFERENT = {
    exp.Extract: "extract",
    exp.DateDiff: "date_diff",
    exp.ArrayAgg: "array_agg",
}
# What MACROS are made of, and other words of DuckDB's own that its other dialects lack.
ONLY_DUCKDB = {
    *("epoch_us", "epoch_ms", "make_timestamptz", "json_extract_string", "timezone"),
    *("list_filter", "list_transform", "list_value", "quantile_cont", "quantile_disc", "median"),
    *("arg_max", "arg_min", "date_sub", "strftime", "strptime", "regexp_full_match", "range"),
}
# Never missing, so that their order is the same wherever missing values come.
NEVER_MISSING = {
    *("id", "event_id", "occurred_at", "min(occurred_at)", "version", "run", "position", "nth"),
    *(
        "p.occurred_at",
        "p.event_id",
        "appointment",
        "f.appointment",
        "f.run",
        "f.position",
        "v.occurred_at",
        "v.event_id",
    ),
    *(
        "s.appointment",
        "r.run",
        "p.run",
        "coalesce(a.position, s.position)",
        "said_at",
        "word_rank",
        "source",
    ),
    *("s.source_word", "l.person_id", "o.id", "event", "object_type", "object", "key", "word"),
}


def without_comments(text: str) -> str:
    return re.sub(r"--[^\n]*", "", text)


def keys_without_null_order(text: str) -> Iterator[str]:
    """The keys of ORDER BY that may be missing and do not say where missing ones come."""
    body = without_comments(text)
    for match in re.finditer(r"(WITHIN GROUP\s*\(\s*)?ORDER BY\s+", body):
        if match.group(1):
            continue  # quantiles leave missing values out
        for key in sort_keys(body[match.end() :]):
            bare = re.sub(r"\s+(ASC|DESC)$", "", key)
            if not re.search(r"NULLS (FIRST|LAST)$", key) and bare not in NEVER_MISSING:
                yield key


def sort_keys(rest: str) -> list[str]:
    depth, key, keys = 0, "", []
    for letter in rest:
        depth += (letter == "(") - (letter == ")")
        if depth < 0:
            break
        if letter == "," and depth == 0:
            keys.append(key)
            key = ""
        else:
            key += letter
    keys.append(re.split(r"\b(?:ROWS|RANGE|LIMIT)\b", key)[0])
    return [" ".join(one.split()) for one in keys]


def test_the_names_taught_to_duckdb_are_used() -> None:
    words = {word for text in STATEMENTS.values() for word in re.findall(r"(\w+)\s*\(", text)}
    assert {signature.partition("(")[0] for signature in MACROS} <= words


def test_keys_are_packed_in_one_place() -> None:
    for name in NAMES:
        assert PACKED not in sql(name)
