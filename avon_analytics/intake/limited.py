"""What a limited data set keeps of a row, and what it tells repeats by.

Source: 45 CFR 164.514(e). City, state, postal code and dates stay. Direct identifiers of patients
and caregivers and free text are left out before anything is written, by the marks that the fields
of the contract carry. Of what the contract does not know, the path and the JSON type stay, for the
drift table, with an empty value. A text column keeps texts alone: an object in its place is
unknown.

What a custom field means is in no webhook: flags, small numbers and dates stay, text does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from avon_analytics.contract.event import Event
from avon_analytics.contract.model import known_keys
from avon_analytics.contract.values import INSTANT_PATTERN, Column
from avon_analytics.intake import flatten
from avon_analytics.intake.engine import literals
from avon_analytics.store.schema import literal, quote
from avon_analytics.store.tables import ObjectTable

if TYPE_CHECKING:
    from avon_analytics.intake.stage import Stage

_DATE = rf"\d{{4}}-\d\d-\d\d|{INSTANT_PATTERN}"

_DATE_TEXT = rf"{_DATE}|\d{{12,13}}"
_DAY = (
    "mo(n(day)?)?|tu(e(s(day)?)?)?|we(d(nesday)?)?|th(u(r(s(day)?)?)?)?|fr(i(day)?)?|"
    "sa(t(urday)?)?|su(n(day)?)?"
)
_ITEM = rf'("[+-]?\d{{0,2}}({_DAY})"|"?-?\d{{1,3}}"?|null)'
_DAYS = rf"(?i)\s*({_ITEM}|\[\s*({_ITEM}(\s*,\s*{_ITEM})*)?\s*\])\s*"
# SNOMED CT's codes for male, female and unknown.
_SEX = "248153007|248152002|261665006"
# A social security number, a telephone number and the like, however it is grouped; not the digits
# within an id, which stand among letters, and not the four digits behind a postal code.
_LONG_NUMBER = (
    r"(^|[^0-9A-Za-z_-])\+?\(?(\d{9,}|\d{3}[-). /]{1,2}\d{2,3}[-. /]\d{4})($|[^0-9A-Za-z_])"
)

# For the JSON type of a value, an empty value of the same type.
_EMPTY = {
    "VARCHAR": '""',
    "OBJECT": "{}",
    "ARRAY": "[]",
    "BOOLEAN": "false",
    "UBIGINT": "0",
    "BIGINT": "-1",
    "DOUBLE": "0.5",
}


def kept(column: Column, place: str) -> str:
    """SQL for what a limited data set keeps of a column; `Column.in_limited` says it in words."""
    if column.in_limited.startswith("nothing"):
        return f"CAST(NULL AS {column.sql_type})"
    if column.is_open:
        return f"""CASE
            WHEN json_type({place}) = 'BOOLEAN' THEN {place}
            WHEN json_type({place}) IN ('UBIGINT', 'BIGINT', 'DOUBLE')
             AND abs(try_cast({place} AS DOUBLE)) < 1e6 THEN {place}
            WHEN regexp_full_match({place} ->> '$', {literal(_DATE)}) THEN {place} END"""
    if column.kind == "json":
        text = f"CAST({place} AS VARCHAR)"
        return f"CASE WHEN regexp_full_match({text}, {literal(_DAYS)}) THEN {place} END"
    if column.kind != "text":
        return place
    is_text = f"left(ltrim({place}), 1) NOT IN ('{{', '[')"
    if column.keeps == "date":
        return f"CASE WHEN regexp_full_match({place}, {literal(_DATE_TEXT)}) THEN {place} END"
    if column.keeps == "sex":
        is_text += f" AND (regexp_full_match({place}, {literal(_SEX)}) OR {_is_impersonal(place)})"
    elif column.keeps != "staff":
        is_text += f" AND {_is_impersonal(place)}"
    return f"CASE WHEN {is_text} THEN {place} END"


def _is_impersonal(place: str) -> str:
    """SQL for a text without an e-mail address and without a number of nine digits and more."""
    return f"NOT contains({place}, '@') AND NOT regexp_matches({place}, {literal(_LONG_NUMBER)})"


def emptied(place: str) -> str:
    """SQL for unknown fields with their paths and types, and without their values."""
    cases = " ".join(f"WHEN {literal(k)} THEN {literal(v)}" for k, v in _EMPTY.items())
    value = f"CAST(CASE json_type(e.value) {cases} ELSE 'null' END AS JSON)"
    entries = f"""map_entries(from_json({place}, '"MAP(VARCHAR, JSON)"'))"""
    return f"""CASE WHEN {place} IS NOT NULL THEN to_json(map_from_entries(list_transform(
        {entries}, lambda e: {{'k': e.key, 'v': {value}}}))) END"""


def columns(table: ObjectTable, prefix: str, *, is_limited: bool) -> dict[str, str]:
    """SQL for each field of a table's rows, as the store keeps it, by the field's name."""
    found = {}
    for field in table.fields:
        place = f"{prefix}.{quote(field.name)}"
        found[field.name] = kept(field.column, place) if is_limited else place
    if table.model is not None:
        found["extra"] = emptied(f"{prefix}.extra") if is_limited else f"{prefix}.extra"
    return found


def tell_by_what_is_kept(stage: Stage, tables: list[ObjectTable]) -> None:
    """Replace the digests that tell repeats by digests of what is kept, and of nothing else.

    A digest of the whole body would let somebody who knows nearly all of it try out the rest, such
    as nine digits of a social security number. So what is not kept cannot conflict either.
    """
    known = literals(sorted(known_keys(Event)))
    beside = f"""to_json(CASE WHEN body_shape IN (SELECT body_shape FROM unknown_shapes)
        THEN unknown_fields(body, json_keys(body), {known}, '') END)"""
    own = ["event", "created_at", "delivery_id", "bare_object_id", emptied(beside)]
    said = [f"SELECT nth, 0 AS part, 0 AS position, {_as_text(own)} AS said FROM arrivals"]
    for part, table in enumerate(tables, start=1):
        position = "0" if table.parent is None else "r.position"
        fields = _as_text(list(columns(table, "r", is_limited=True).values()))
        said.append(
            f"SELECT r.nth, {part}, {position}, {fields} FROM {flatten.rows_table(table)} AS r"
        )
    stage.run(
        f"""UPDATE arrivals AS a SET body_digest = d.digest FROM (
            SELECT nth, md5(string_agg(said, ' ' ORDER BY part, position))::UUID AS digest
            FROM ({" UNION ALL ".join(said)}) WHERE nth NOT IN (SELECT nth FROM verdicts)
            GROUP BY nth
        ) AS d WHERE d.nth = a.nth"""
    )


def _as_text(values: list[str]) -> str:
    """SQL for several values as one text; no two lists of values give the same."""
    return "to_json([" + ", ".join(f"CAST({value} AS VARCHAR)" for value in values) + "])"
