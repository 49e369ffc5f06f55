"""What the models of the contract are built from, and how a table reads itself off a model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from types import UnionType
from typing import Annotated, Any, ClassVar, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, field_validator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from avon_analytics.contract.values import DATE_PARTS, Column


class Part(BaseModel):
    """An object inside another one. What the contract does not know is kept, not refused."""

    # Most processes only read tables off the models: what checks is made when it is first asked,
    # which pydantic does for several threads at once from 2.14 on.
    model_config = ConfigDict(
        extra="allow", frozen=True, hide_input_in_errors=True, defer_build=True
    )

    # The word that names the object's own type says nothing that its table does not.
    ignored: ClassVar[frozenset[str]] = frozenset({"object"})


class AvonObject(Part):
    """The ``object`` of a delivery: one model a type, and a new type is a new model."""

    object_type: ClassVar[str]
    table: ClassVar[str]

    @classmethod
    def __pydantic_init_subclass__(cls, **more: Any) -> None:
        """Every object says which it is, and which of its versions is the newest."""
        super().__pydantic_init_subclass__(**more)
        if missing := {"id", "last_updated_at"} - set(cls.model_fields):
            raise TypeError(f"{cls.__name__} lacks the field {' and '.join(sorted(missing))}")

    @field_validator("id", check_fields=False)
    @classmethod
    def _has_an_id(cls, value: str | None) -> str:
        if value is None:
            raise PydanticCustomError("id", "expected the object's id as text")
        return value


def _as_list(value: Any) -> Any:
    """A missing list and ``{}``, as Avon sends for no custom data, are empty lists."""
    if value is None or value == {}:
        return []
    if not isinstance(value, list):
        raise PydanticCustomError("list", "expected a list")
    return value


def _as_object(value: Any) -> Any:
    if value is not None and not isinstance(value, dict | BaseModel):
        raise PydanticCustomError("object", "expected an object")
    return value


AsList = BeforeValidator(_as_list)
AsObject = BeforeValidator(_as_object)


@dataclass(frozen=True, slots=True)
class ColumnOf:
    """One column of a table: where it stands in the JSON, and what it is called."""

    name: str
    path: tuple[str, ...]
    column: Column
    description: str


@dataclass(frozen=True, slots=True)
class ListOf:
    """A nested list: the field it stands in, and the model or the single column of an element."""

    field: str
    item: type[Part] | ColumnOf
    description: str


@cache
def columns_of(model: type[Part]) -> tuple[ColumnOf, ...]:
    """The columns of a model's own table; those of a nested object carry its name as a prefix."""
    return tuple(_walk_columns(model, ()))


def _walk_columns(model: type[Part], path: tuple[str, ...]) -> Iterator[ColumnOf]:
    for name, info in model.model_fields.items():
        where = (*path, name)
        if (column := _column(info)) is not None:
            yield ColumnOf("_".join(where), where, column, info.description or "")
        elif (nested := _nested_object(info)) is not None:
            yield from _walk_columns(nested, where)


@cache
def objects_of(model: type[Part]) -> dict[str, type[Part]]:
    """The nested single objects of a model, by field."""
    found = {name: _nested_object(info) for name, info in model.model_fields.items()}
    return {name: nested for name, nested in found.items() if nested is not None}


@cache
def keys_inside(model: type[Part]) -> dict[str, frozenset[str]]:
    """The known keys of what stands in a single field as an object: a nested one, or a date."""
    dates = {
        field.name: frozenset(DATE_PARTS)
        for field in columns_of(model)
        if field.column.kind == "date" and len(field.path) == 1
    }
    return {name: known_keys(part) for name, part in objects_of(model).items()} | dates


@cache
def lists_of(model: type[Part]) -> tuple[ListOf, ...]:
    """The nested lists of a model: each becomes a table of its own."""
    found = []
    for name, info in model.model_fields.items():
        found_item = _list_item(info)
        if found_item is None:
            continue
        description = info.description or ""
        item = (
            ColumnOf(_singular(name), (), found_item, description)
            if isinstance(found_item, Column)
            else found_item
        )
        found.append(ListOf(name, item, description))
    return tuple(found)


@cache
def known_keys(model: type[Part]) -> frozenset[str]:
    """The JSON keys that a model reads or knowingly passes over; all others are drift."""
    return frozenset(model.model_fields) | model.ignored


def _singular(name: str) -> str:
    irregular = {"licensed_in": "state", "race": "race", "ethnicity": "ethnicity"}
    return irregular.get(name, name.removesuffix("s"))


def _column(info: FieldInfo) -> Column | None:
    return next((mark for mark in info.metadata if isinstance(mark, Column)), None)


def _list_item(info: FieldInfo) -> type[Part] | Column | None:
    if get_origin(info.annotation) is not list:
        return None
    (item,) = get_args(info.annotation)
    if get_origin(item) is Annotated:
        return next(mark for mark in get_args(item) if isinstance(mark, Column))
    return item if isinstance(item, type) and issubclass(item, Part) else None


def _nested_object(info: FieldInfo) -> type[Part] | None:
    if get_origin(info.annotation) not in (Union, UnionType):
        return None
    found = [arg for arg in get_args(info.annotation) if isinstance(arg, type)]
    return next((arg for arg in found if issubclass(arg, Part)), None)
