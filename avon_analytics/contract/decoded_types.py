"""Types into which bodies are decoded, made from the models, and what was learned besides.

A type has every field of its model, all of which may be missing, and whatever else bodies of its
kind were seen to hold. What is decoded is brought into its one spelling in place, and counted.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Annotated, Any, Union

import msgspec
from msgspec import UNSET, Raw

from avon_analytics.contract import one_spelling
from avon_analytics.contract.canonical import joined, micros
from avon_analytics.contract.model import (
    ColumnOf,
    Part,
    columns_of,
    known_keys,
    lists_of,
    objects_of,
)
from avon_analytics.contract.shared import PersonRef
from avon_analytics.contract.values import DATE_PARTS, Column, as_date, as_id

_FIRST, _LAST = micros(datetime(1000, 1, 1, tzinfo=UTC)), micros(datetime(9000, 1, 1, tzinfo=UTC))
_Ms = Annotated[int, msgspec.Meta(ge=1 - 10**13, lt=10**14)]
_Iso = Annotated[datetime, msgspec.Meta(tz=True)]
_TYPES: dict[str, Any] = {
    "text": str,
    "id": str,
    "instant": _Ms | _Iso,
    "date": Any,
    "flag": bool,
    "number": float,
    "json": Raw,
}


# Whether an id ``v`` is another one than it looks like, or none.
_UNUSUAL_ID = '("_" not in v or v[-5:] == "_null" or v[0] in "{[")'
_DATE_PARTS, _WHOLE = frozenset(DATE_PARTS), [int, int, int]


class Odd(Exception):
    """A line, its envelope or its body is not spelled as most are."""


# -- what bodies hold besides what the contract says ---------------------------------------------

_KEY = re.compile(r"[A-Za-z]\w{0,99}", re.ASCII)
_MOST_LEARNED = 200  # keys of one object that are read like known ones


class Learned:
    """What bodies of a type were seen to hold: unknown keys, and numbers in place of texts."""

    def __init__(self) -> None:
        self.keys: dict[tuple[str, ...], list[str]] = {}
        self.numbers: set[tuple[str, ...]] = set()

    def look(self, model: type[Part], path: tuple[str, ...], value: dict[str, Any]) -> bool:
        """Look at an object; whether anything in it is new."""
        is_new = False
        for key in value.keys() - known_keys(model):
            is_new |= self._add_key(path, key)
        for column in columns_of(model):
            where = (*path, column.name)
            is_number = len(column.path) == 1 and type(value.get(column.name)) is int
            if column.column.kind == "text" and is_number and where not in self.numbers:
                self.numbers.add(where)
                is_new = True
        for name, inner in objects_of(model).items():
            if isinstance(value.get(name), dict):
                is_new |= self.look(inner, (*path, name), value[name])
        for one in lists_of(model):
            if not isinstance(one.item, ColumnOf) and isinstance(value.get(one.field), list):
                for item in value[one.field]:
                    if isinstance(item, dict):
                        is_new |= self.look(one.item, (*path, one.field), item)
        return is_new

    def _add_key(self, path: tuple[str, ...], key: str) -> bool:
        known = self.keys.setdefault(path, [])
        is_plain = _KEY.fullmatch(key) and not keyword.iskeyword(key) and key != "extra"
        if key in known or len(known) >= _MOST_LEARNED or not is_plain:
            return False
        known.append(key)
        return True


# -- types made from the models ------------------------------------------------------------------


class _Empty(msgspec.Struct, forbid_unknown_fields=True):
    """``{}`` in place of a list."""


class Shape:
    """One object of a body: its type, and a function that brings it into its one spelling.

    The function is written from the model, field by field: a loop over fields would take several
    times as long. It leaves unknown fields in ``extra``, and returns how many keys were read.
    """

    def __init__(self, model: type[Part], path: tuple[str, ...], learned: Learned) -> None:
        self._model, self._path, self._learned = model, path, learned
        self._fields: list[tuple[Any, ...]] = []
        self._code = ["def settle(o, extra, prefix):", "    n = 0"]
        self._names: dict[str, Any] = {
            "U": UNSET,
            "KEY": b'":',
            "ESCAPE": b"\\",
            "Empty": _Empty,
            "instant": _instant,
            "n_keys": _n_keys,
            "of_text": one_spelling.of_text,
            "Odd": Odd,
        }
        columns = {c.path[0]: c.column for c in columns_of(model) if len(c.path) == 1}
        nested, lists = objects_of(model), {one.field: one.item for one in lists_of(model)}
        for name in model.model_fields:
            if name in columns:
                self._add_column(name, columns[name])
            elif name in nested:
                self._add_object(name, Shape(nested[name], (*path, name), learned))
            elif name in lists:
                self._add_list(name, lists[name])
        for key in learned.keys.get(path, ()):
            self._add_unknown(key)
        for key in sorted(model.ignored - model.model_fields.keys()):
            self._add(f"i_{key}", str | None, [f"o.i_{key} = U"])
        self._fields.append(("extra", Raw | msgspec.UnsetType, UNSET))
        exec("\n".join([*self._code, "    return n"]), self._names)
        self.settle: Callable[[Any, dict[str, bytes], str], int] = self._names["settle"]
        self.type = self.made()

    def made(self, *more: tuple[Any, ...]) -> Any:
        """The type, with some more fields."""
        return msgspec.defstruct(
            self._model.__name__,
            [*more, *self._fields],
            rename=lambda name: name[2:] if name[:2] in ("x_", "i_") else name,
            forbid_unknown_fields=True,
            gc=False,
        )

    def close(self, value: Any) -> int:
        """The same for an object that has its unknown fields in an ``extra`` of its own."""
        if value.extra is not UNSET:
            raise Odd
        extra: dict[str, bytes] = {}
        n = self.settle(value, extra, "")
        if extra:
            value.extra = Raw(joined(extra))
        return n

    def _add(self, name: str, kind: Any, steps: list[str]) -> None:
        """A field, and what is done where it stands in the text."""
        self._fields.append((name, Union[kind, msgspec.UnsetType], UNSET))  # noqa: UP007
        self._code += [f"    v = o.{name}", "    if v is not U:", "        n += 1"]
        self._code += [f"        {step}" for step in steps]

    def _add_column(self, name: str, column: Column) -> None:
        gone = f"if v is None: o.{name} = U"
        fix = f"fix_{name}"
        kind = _TYPES[column.kind]
        match column.kind:
            case "text" if (*self._path, name) in self._learned.numbers:
                kind = str | int
                steps = [gone, f"elif v.__class__ is int: o.{name} = str(v)"]
            case "text" | "flag":
                steps = [gone]
            case "id":
                self._names[fix] = _id_with(column.prefix)
                steps = [gone, f"elif {_UNUSUAL_ID}: o.{name} = {fix}(v)"]
            case "instant":
                steps = [
                    gone,
                    f"elif v.__class__ is not int: o.{name} = instant(v)",
                    f"elif v: o.{name} = v * 1000",
                    f'else: o.{name} = U; extra[prefix + "{name}"] = b"0"',
                ]
            case "number":
                steps = [gone, f"elif not v: o.{name} = 0.0"]
            case _:
                self._names[fix] = _json if column.kind == "json" else _date
                steps = ["n += n_keys(v)", gone, f"else: o.{name} = {fix}(v)"]
        # Raw takes null as well, and no other type beside it.
        self._add(name, kind if kind is Raw else Union[kind, None], steps)  # noqa: UP007

    def _add_object(self, name: str, shape: Shape) -> None:
        self._names |= {f"settle_{name}": shape.settle, f"empty_{name}": shape.type()}
        steps = [
            f"if v is None: o.{name} = U",
            "else:",
            "    if v.extra is not U: raise Odd",
            f'    n += settle_{name}(v, extra, "{name}.")',
            f"    if v == empty_{name}: o.{name} = U",
        ]
        self._add(name, shape.type | None, steps)

    def _add_list(self, name: str, item: type[Part] | ColumnOf) -> None:
        steps = [f"if not v or v.__class__ is Empty: o.{name} = U"]
        if isinstance(item, ColumnOf):
            each = _TYPES[item.column.kind]
            if item.column.kind == "json":
                self._names[f"each_{name}"] = _json_item
                steps += ["else:", "    n += sum(map(n_keys, v))"]
                steps += [f"    o.{name} = list(map(each_{name}, v))"]
            else:
                each = each | None
                if item.column.kind == "id":
                    self._names[f"each_{name}"] = _id_item(item.column.prefix)
                    each_one = f"each_{name}(v) if v is None or {_UNUSUAL_ID} else v"
                    steps.append(f"else: o.{name} = [{each_one} for v in v]")
        else:
            shape = Shape(item, (*self._path, name), self._learned)
            each = shape.type | str if item is PersonRef else shape.type
            self._names |= {f"settle_{name}": shape.settle, "joined": joined, "Raw": Raw}
            steps += ["else:"]
            if item is PersonRef:
                self._names |= {f"person_{name}": _person(shape.type), "str": str}
                # Who is given by an id alone has a key that does not stand in the text.
                steps.append("    n -= sum([x.__class__ is str for x in v])")
                steps.append(f"    v = o.{name} = list(map(person_{name}, v))")
            # As `close` does it, without a call of its own for each.
            steps += [
                "    for x in v:",
                "        if x.extra is not U: raise Odd",
                "        more = {}",
                f'        n += settle_{name}(x, more, "")',
                "        if more: x.extra = Raw(joined(more))",
            ]
        self._add(name, list[each] | _Empty | None, steps)  # type: ignore[valid-type]

    def _add_unknown(self, key: str) -> None:
        name = f"x_{key}"
        steps = [
            "v = bytes(v)",
            "if v[0] > 90: n += v.count(KEY)",  # an object or a list
            # A text without escapes stands in its one spelling.
            f'extra[prefix + "{key}"] = v if v[0] == 34 and ESCAPE not in v else of_text(v)',
            f"o.{name} = U",
        ]
        self._add(name, Raw, steps)


# -- values in one spelling ----------------------------------------------------------------------


def _instant(value: datetime) -> int:
    found = micros(value)
    if not found or not _FIRST <= found < _LAST:
        raise Odd  # of 0, which means "not set", it matters how it is spelled
    return found


def _date(value: Any) -> Any:
    try:
        found = _date_of_parts(value) if value.__class__ is dict else as_date(value)
    except (ValueError, OverflowError):
        raise Odd from None
    return UNSET if found is None else found.isoformat()


def _date_of_parts(value: dict[str, Any]) -> date | None:
    if not value.keys() <= _DATE_PARTS:
        raise Odd
    parts = list(map(value.get, DATE_PARTS))
    if [part.__class__ for part in parts] == _WHOLE and 1000 <= parts[0] < 9000:  # type: ignore[operator]
        return date(*parts)  # type: ignore[arg-type]
    return as_date(value)


def _id_with(prefix: str | None) -> Callable[[str], Any]:
    def fix(value: str) -> Any:
        try:
            return as_id(value, prefix) or UNSET
        except ValueError:
            raise Odd from None

    return fix


def _id_item(prefix: str | None) -> Callable[[str | None], str | None]:
    fix = _id_with(prefix)

    def fix_item(value: str | None) -> str | None:
        found = UNSET if value is None else fix(value)
        return None if found is UNSET else found

    return fix_item


def _person(kind: Any) -> Callable[[Any], Any]:
    def made(value: Any) -> Any:
        return kind(id=value) if value.__class__ is str else value

    return made


def _json(value: Raw) -> Any:
    text = one_spelling.of_text(bytes(value))
    return UNSET if text == b"null" else Raw(text)


def _json_item(value: Raw) -> Raw:
    return Raw(one_spelling.of_text(bytes(value)))


def _n_keys(value: Any) -> int:
    """How many keys stand in the text of a value that is not decoded further."""
    if value.__class__ is Raw:
        raw = bytes(value)
        return raw.count(b'":') if raw[:1] in b"{[" else 0
    return len(value) if value.__class__ is dict else 0
