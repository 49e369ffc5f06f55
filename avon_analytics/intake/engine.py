"""The words of the intake's SQL: its statements, and macros that read single values.

The macros read a value as the contract reads it.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files

import duckdb

from avon_analytics.contract.values import (
    DATE_EPOCH_PATTERN,
    DATE_PATTERN,
    EPOCH_MS_PATTERN,
    INSTANT_PATTERN,
    NUMBER_PATTERN,
    YEAR_PATTERN,
)
from avon_analytics.intake.envelope import FLAT_KEYS
from avon_analytics.store.schema import literal

# What the engine's JSON reader lets pass and JSON does not: NaN, Infinity, trailing commas. A
# pattern that starts with one plain character is found many times faster than their union. In a
# body that stands in its line as text, white space may be escaped.
_SPACE = r"(?:\s|\\[ntr])*"
_NO_NUMBER = r"[-+]?(?i:nan|inf)"
_SUSPECT = (
    rf":{_SPACE}{_NO_NUMBER}",
    rf",{_SPACE}(?:{_NO_NUMBER}|[}}\]])",
    rf"\[{_SPACE}{_NO_NUMBER}",
)
_USUAL_HEADERS = [
    f'$."{name}"{place}'
    for place in ("[0]", "", "[1]")
    for name in ("avon-signature", "Avon-Signature")
]
_N_FLAT_VALUES = " + ".join(f'CAST(e."{key}" IS NOT NULL AS INTEGER)' for key in FLAT_KEYS)
# Numbers whose text does not tell by itself whether they equal another as decimals.
_HARD_NUMBER = r"[:\[,]\s*-?([0-9.]{16}|[0-9.]*([eE][-+0-9]|\.0+\s*[,}\]]))"


def literals(texts: Iterable[str]) -> str:
    """Constants of the code as an SQL list."""
    return "[" + ", ".join(literal(text) for text in texts) + "]"


def statement(name: str, **constants: str) -> str:
    """A statement of ``intake/sql``, its placeholders filled with constants of the code."""
    text = files("avon_analytics.intake").joinpath("sql", f"{name}.sql").read_text("utf-8")
    return text.format(**constants) if constants else text


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Define the macros on a connection; they are temporary and touch no store."""
    for signature, body in _MACROS.items():
        connection.execute(f"CREATE OR REPLACE TEMP MACRO {signature} AS {body}")


UNSET_INSTANT = "make_timestamptz(0)"
_EPOCH_DAY = "CAST(epoch_ms(try_cast(t AS BIGINT)) AS DATE)"
_DAY_PARTS = """try(from_json(t, '{"year": "VARCHAR", "month": "VARCHAR", "day": "VARCHAR"}'))"""

_MACROS = {
    "if_json(t)": "CASE WHEN json_valid(t) THEN t END",
    # `try(from_base64(t))` would go row by row.
    "as_bytes(t)": """
        CASE WHEN length(t) % 4 = 0 AND regexp_full_match(t, '[A-Za-z0-9+/]*={0,2}')
             THEN from_base64(t) END""",
    "as_moment(t)": f"""
        CASE WHEN regexp_full_match(t, {literal(EPOCH_MS_PATTERN)})
                THEN make_timestamptz(try_cast(t AS BIGINT) * 1000)
             WHEN regexp_full_match(t, {literal(INSTANT_PATTERN)})
                THEN coalesce(try_cast(t AS TIMESTAMP WITH TIME ZONE),
                              -- DuckDB 1.5 wants seconds.
                              try_cast(regexp_replace(t, '([T ]\\d\\d:\\d\\d)([Z+-])', '\\1:00\\2')
                                  AS TIMESTAMP WITH TIME ZONE)) END""",
    # 0 is what writers put for "not set".
    "set_instant(i)": f"nullif(i, {UNSET_INSTANT})",
    "as_instant(t)": "set_instant(as_moment(t))",
    "is_unset(i)": f"coalesce(i = {UNSET_INSTANT}, false)",
    "set_text(t)": "CASE WHEN is_unset(as_moment(t)) THEN NULL ELSE t END",
    # An instant of 0 that was read as text, as JSON again; its own spelling stays.
    "as_sent(t)": "CASE WHEN t = '0' THEN CAST(t AS JSON) ELSE to_json(t) END",
    # `extra` with some more entries.
    "with_unset(extra, more)": """
        CASE WHEN len(more) > 0 THEN to_json(map_from_entries(list_concat(
            list_transform(
                map_entries(from_json(coalesce(extra, '{}'), '"MAP(VARCHAR, JSON)"')),
                lambda e: {'k': e.key, 'v': e.value}),
            more))) ELSE extra END""",
    "entries(names, found)": """
        list_filter(list_transform(range(1, len(names) + 1), lambda n:
            {'k': names[n], 'v': found[n]}), lambda e: e.v IS NOT NULL)""",
    "floored_ms(i)": "(epoch_us(i) - ((epoch_us(i) % 1000) + 1000) % 1000) // 1000",
    "day_of_parts(d)": f"""
        CASE WHEN regexp_full_match(d.year, {literal(YEAR_PATTERN)})
              AND regexp_full_match(d.month, '\\d{{1,2}}')
              AND regexp_full_match(d.day, '\\d{{1,2}}')
             THEN try(make_date(CAST(d.year AS BIGINT), CAST(d.month AS BIGINT),
                                CAST(d.day AS BIGINT))) END""",
    "as_day(t)": f"""
        CASE WHEN left(t, 1) = '{{' THEN day_of_parts({_DAY_PARTS})
             WHEN regexp_full_match(t, {literal(DATE_EPOCH_PATTERN)}) THEN {_EPOCH_DAY}
             WHEN regexp_full_match(t, {literal("(?s)" + DATE_PATTERN)})
                THEN try_cast(left(t, 10) AS DATE) END""",
    "as_flag(t)": "CASE t WHEN 'true' THEN true WHEN 'false' THEN false END",
    "as_number(t)": f"""
        CASE WHEN regexp_full_match(t, {literal(NUMBER_PATTERN)})
              AND isfinite(try_cast(t AS DOUBLE)) THEN try_cast(t AS DOUBLE) END""",
    "as_id(t, prefix)": """
        CASE WHEN t IS NULL OR t IN ('', 'null') OR ends_with(t, '_null') THEN NULL
             WHEN prefix IS NULL OR contains(t, '_') THEN t
             ELSE prefix || '_' || t END""",
    "json_list(v)": """try(from_json(v, '["JSON"]'))""",
    # A single value, or one in a list of one; several are joined, so that they match nothing.
    "json_value(v)": """
        CASE WHEN left(v, 1) = '['
             THEN array_to_string(list_transform(json_list(v), lambda x: x ->> '$'), ',')
             ELSE v ->> '$' END""",
    "pair_name(p)": "lower(coalesce(p ->> '$[0]', p ->> '$.name', p ->> '$.key'))",
    "pair_value(p)": "coalesce(p -> '$[1]', p -> '$.value')",
    "header_signature(h)": """
        nullif(array_to_string(list_distinct(CASE
            WHEN left(h, 1) = '{' THEN list_transform(
                list_filter(map_entries(try(from_json(h, '"MAP(VARCHAR, JSON)"'))),
                            lambda e: lower(e.key) = 'avon-signature'),
                lambda e: json_value(e.value))
            WHEN left(h, 1) = '[' THEN list_transform(
                list_filter(json_list(h), lambda p: pair_name(p) = 'avon-signature'),
                lambda p: json_value(pair_value(p)))
        END), ','), '')""",
    # The signature from headers that name it once, in a usual spelling, as one plain text: alone or
    # as the only one of a list. `usual` are the headers' `usual_headers`.
    "n_mentions(h)": """
        (strlen(lower(h)) - strlen(replace(lower(h), 'avon-signature', ''))) // 14""",
    "usual_headers(h)": f"json_extract_string(h, {literals(_USUAL_HEADERS)})",
    "plain(t)": "CASE WHEN regexp_full_match(t, '[0-9A-Za-z+/=_-]+') THEN t END",
    "simple_header(h, usual)": """
        CASE WHEN left(h, 1) = '{' AND n_mentions(h) = 1 AND NOT contains(h, '\\')
              AND coalesce(usual[5], usual[6]) IS NULL
             THEN plain(coalesce(usual[1], usual[2], usual[3], usual[4])) END""",
    # Whether no object stands in an envelope but the headers, so that its keys are all there are:
    # each of them is known, stands once and has a value if so many known ones have.
    "is_flat_envelope(e, keys)": f"coalesce(len(keys) = {_N_FLAT_VALUES}, false)"
    """
        AND NOT coalesce(contains(substr(e.headers, 2), '{'), false)
        AND NOT coalesce(contains(substr(e."multiValueHeaders", 2), '{'), false)
        AND NOT coalesce(contains(e."isBase64Encoded", '{'), false)
        AND NOT coalesce(contains(e."avon-signature", '{'), false)
        AND NOT coalesce(contains(e.avon_signature, '{'), false)
        AND NOT coalesce(contains(e.signature, '{'), false)""",
    "is_suspect(t)": " OR ".join(f"regexp_matches(t, {literal(p)})" for p in _SUSPECT),
    "has_hard_numbers(t)": f"regexp_matches(t, {literal(_HARD_NUMBER)})",
    # The keys of all objects of a text, level by level: what decides whether one stands twice.
    "all_keys(t)": "json_keys('[' || t || ']', '$..*')",
    "unknown_keys(keys, known)": "list_filter(keys, lambda k: NOT list_contains(known, k))",
    # The fields of an object that the contract does not know, by name; NULL where it knows all.
    # A few are looked up one by one; of many all are read at once.
    "unknown_fields(t, keys, known, prefix)": """
        CASE WHEN len(unknown_keys(keys, known)) BETWEEN 1 AND 8 THEN
                map(list_transform(unknown_keys(keys, known), lambda k: prefix || k),
                    list_transform(unknown_keys(keys, known), lambda k:
                        json_extract(t, '/' || replace(replace(k, '~', '~0'), '/', '~1'))))
             WHEN len(unknown_keys(keys, known)) > 8 THEN map_from_entries(list_transform(
                list_filter(map_entries(try(from_json(t, '"MAP(VARCHAR, JSON)"'))),
                            lambda e: NOT list_contains(known, e.key)),
                lambda e: {'k': prefix || e.key, 'v': e.value})) END""",
    # An object's own field that is named like one of an inner object stands in quotes.
    "kept_apart(fields, pattern)": """
        CASE WHEN fields IS NOT NULL THEN map_from_entries(list_transform(
            map_entries(fields),
            lambda e: {'k': CASE WHEN regexp_matches(e.key, pattern)
                                 THEN '"' || e.key || '"' ELSE e.key END,
                       'v': e.value})) END""",
}
