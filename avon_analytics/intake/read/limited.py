"""What a limited data set keeps of an event.

Source: 45 CFR 164.514(e). City, state, postal code and dates stay. Direct identifiers of patients
and caregivers and free text are left out before anything is written, by the marks that the fields
of the contract carry. Of what the contract does not know, the path and the JSON type stay, for the
drift table, with an empty value. A text column keeps texts alone: an object in its place is
unknown.

What a custom field means is in no webhook: flags, small numbers and dates stay, text does not.

What is left is the event from then on: its digest, which finds repeats, is one of what is kept.
A digest of the whole body would let somebody who knows nearly all of it try out the rest, such as
nine digits of a social security number. So what is not kept cannot conflict either.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from avon_analytics.contract import OBJECTS, one_spelling
from avon_analytics.contract.canonical import CanonicalEvent, with_fields
from avon_analytics.contract.event import Event
from avon_analytics.contract.model import ColumnOf, Part, columns_of, lists_of, objects_of
from avon_analytics.contract.values import INSTANT_PATTERN, Column
from avon_analytics.store.schema import literal

_DATE = re.compile(rf"\d{{4}}-\d\d-\d\d|{INSTANT_PATTERN}", re.ASCII)
_DATE_TEXT = re.compile(rf"{_DATE.pattern}|\d{{12,13}}", re.ASCII)
_DAY = (
    "mo(n(day)?)?|tu(e(s(day)?)?)?|we(d(nesday)?)?|th(u(r(s(day)?)?)?)?|fr(i(day)?)?|"
    "sa(t(urday)?)?|su(n(day)?)?"
)
_ITEM = rf'("[+-]?\d{{0,2}}({_DAY})"|"?-?\d{{1,3}}"?|null)'
_DAYS = re.compile(rf"{_ITEM}|\[({_ITEM}(,{_ITEM})*+)?\]".encode(), re.ASCII | re.IGNORECASE)
# SNOMED CT's codes for male, female and unknown.
_SEX = ("248153007", "248152002", "261665006")
# A social security number, a telephone number and the like, in digits of any script; not the digits
# within an id, which stand among letters, and not the four digits behind a postal code.
_GAP = r"[\s()./\u00b7\u2010-\u2015-]{1,3}"
_LONG_NUMBER = re.compile(
    r"(?<![\dA-Za-z_])(?<![0-9A-Za-z_]-)"
    rf"((\d{{9,}}|(1{_GAP})?\d{{3}}{_GAP}\d{{2,3}}{_GAP}\d{{4}})(?![\dA-Za-wyz_])"
    rf"|\+({_GAP})?\d(({_GAP})?\d){{8}})"
)
_WHOLE = re.compile(r"-?\d{1,20}", re.ASCII)
# For the JSON type of a value, as the engine names it, an empty value of the same type.
_EMPTY = {
    "VARCHAR": '""',
    "OBJECT": "{}",
    "ARRAY": "[]",
    "BOOLEAN": "false",
    "UBIGINT": "0",
    "BIGINT": "-1",
    "DOUBLE": "0.5",
}


def limit(event: CanonicalEvent) -> CanonicalEvent:
    """What is kept of what a body says."""
    value = one_spelling.parse(event.content.decode())
    model = OBJECTS.get(event.object_type)
    about = _kept_of(model, value["object"]) if model else {"id": event.object_id}
    return with_fields(event, _emptied(Event, value.get("extra")), about)


def _kept_of(model: type[Part], given: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    columns = {c.path[0]: c.column for c in columns_of(model) if len(c.path) == 1}
    nested, lists = objects_of(model), {one.field: one.item for one in lists_of(model)}
    for name, value in given.items():
        if name in columns:
            kept = _kept(columns[name], value)
        elif name in nested:
            kept = _kept_of(nested[name], value) or None
        elif name in lists:
            item = lists[name]
            kept = [
                _kept(item.column, one) if isinstance(item, ColumnOf) else _kept_of(item, one)
                for one in value
            ]
        else:
            kept = _emptied(model, value)
        if kept is not None:
            found[name] = kept
    return found


def _kept(column: Column, value: Any) -> Any:
    """What is kept of a column; `Column.in_limited` says it in words."""
    if column.in_limited.startswith("nothing"):
        return None
    if column.is_open:
        return value if _is_no_text_of_theirs(value) else None
    if column.kind == "json":
        return value if _DAYS.fullmatch(one_spelling.of_value(value)) else None
    if column.kind == "text" and isinstance(value, str):
        return value if _may_stay(column, value) else None
    return value


def _may_stay(column: Column, text: str) -> bool:
    if column.keeps == "date":
        return _DATE_TEXT.fullmatch(text) is not None
    if text.lstrip()[:1] in ("{", "["):
        return False
    if column.keeps == "staff" or (column.keeps == "sex" and text in _SEX):
        return True
    plain = text if text.isascii() else _plain(text)
    return "@" not in plain and _LONG_NUMBER.search(plain) is None


def _plain(text: str) -> str:
    """A text without invisible characters and other widths of digits and signs."""
    wide = unicodedata.normalize("NFKC", text)
    return "".join(one for one in wide if unicodedata.category(one) != "Cf")


def _is_no_text_of_theirs(value: Any) -> bool:
    if isinstance(value, bool):
        return True
    if isinstance(value, int | float):
        return abs(value) < 1e6
    return isinstance(value, str) and _DATE.fullmatch(value) is not None


def _emptied(model: type[Part], extra: dict[str, Any] | None) -> dict[str, Any] | None:
    """Unknown fields with their paths and types, and without their values.

    Known instants that are not set stand among them: they stay as they were sent.
    """
    if extra is None:
        return None
    unset = {field.name for field in columns_of(model) if field.column.kind == "instant"}
    return {key: value if key in unset else _empty(value) for key, value in extra.items()}


def _empty(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return None if value is None else False
    if isinstance(value, one_spelling.SpelledNumber) and not _is_whole(value.text):
        return 0.5
    if isinstance(value, int | float):
        return -1 if value < 0 else 0
    return type(value)()


def _is_whole(text: str) -> bool:
    """Whether the engine reads a number as a whole one."""
    return _WHOLE.fullmatch(text) is not None and -(2**63) <= int(text) < 2**64


def _emptied_in_sql() -> str:
    cases = " ".join(f"WHEN {literal(k)} THEN {literal(v)}" for k, v in _EMPTY.items())
    value = f"CAST(CASE json_type(e.value) {cases} ELSE 'null' END AS JSON)"
    entries = """map_entries(from_json(extra, '"MAP(VARCHAR, JSON)"'))"""
    return f"""CASE WHEN extra IS NOT NULL THEN to_json(map_from_entries(list_transform(
        {entries}, lambda e: {{'k': e.key, 'v': {value}}}))) END"""


EMPTIED_EXTRA = _emptied_in_sql()
"""The same in SQL, of what a store has in a column ``extra``."""
