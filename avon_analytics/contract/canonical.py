"""The canonical event: what a body says, in one spelling, whatever Avon's generation wrote it.

Known fields stand in the contract's order with typed values (instants as microseconds since 1970,
dates as ISO, ids with their prefix), missing ones are left out, and what the contract does not know
stands in ``extra``. Two bodies say the same exactly where their canonical events are equal bytes.

There are two ways to it: ``decoded.Reader`` takes the bodies as they usually are, ``spelled`` any
body that the models accept.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Raw

from avon_analytics.contract import one_spelling
from avon_analytics.contract.event import SAME_EVENT, Event
from avon_analytics.contract.model import (
    ColumnOf,
    Part,
    columns_of,
    keys_inside,
    known_keys,
    lists_of,
    objects_of,
)
from avon_analytics.contract.values import UNSET, Column, as_id, as_instant, is_unset

_encode = msgspec.json.Encoder().encode
_ORDERS: dict[tuple[str, ...], list[tuple[str, bytes]]] = {}  # of unknown fields that were met
_MOST_ORDERS = 1000


class CanonicalEvent(msgspec.Struct, gc=False):
    """What a body says: its canonical event, and what names and dates it."""

    event_sent: str
    delivery_id: str | None
    object_type: str
    object_id: str | None
    created_us: int | None  # its own instant
    own_us: int | None  # the newest change that the object reports
    extra: bytes | None
    content: bytes

    @property
    def event(self) -> str:
        """The event's name, in the newest word for it."""
        return SAME_EVENT.get(self.event_sent, self.event_sent)


def micros(value: datetime) -> int:
    """An instant as microseconds since 1970."""
    since = value - UNSET
    return (since.days * 86400 + since.seconds) * 1_000_000 + since.microseconds


def joined(fields: dict[str, bytes]) -> bytes:
    """Some fields in one spelling each, as an object in one spelling."""
    names = tuple(fields)
    order = _ORDERS.get(names)
    if order is None:
        order = [(key, _encode(key) + b":") for key in sorted(names)]
        if len(_ORDERS) < _MOST_ORDERS:
            _ORDERS[names] = order
    return b"{" + b",".join([named + fields[key] for key, named in order]) + b"}"


def names_of_unknown(object_json: bytes) -> tuple[int | None, str | None]:
    """What dates and names an object of a type that the contract does not know."""
    value = one_spelling.parse(object_json.decode())
    changed = object_id = None
    with suppress(ValueError):  # what is no instant dates nothing
        changed = as_instant(value.get("last_updated_at"))
    with suppress(ValueError):  # what is no id names nothing
        object_id = as_id(value.get("id"), None)
    return None if changed is None else micros(changed), object_id


def canonical_event(
    event: str,
    delivery_id: str | None,
    about: tuple[str, str | None],
    instants: tuple[int | None, int | None],
    extra: dict[str, bytes],
    object_json: bytes,
) -> CanonicalEvent:
    """An event of these parts: about which object, its instants, unknown fields, its object.

    ``instants`` are the event's own and the newest change of its object, which matters where the
    event has none of its own, and is left out elsewhere.
    """
    beside = joined(extra) if extra else None
    created_us, own_us = instants
    begin = _BEGINNINGS.get(event) or _beginning(event)
    if delivery_id is not None:
        begin += b',"id":' + _encode(delivery_id)
    if created_us is not None:
        begin += b',"created_at":%d' % created_us
        own_us = None
    if beside is not None:
        begin += b',"extra":' + beside
    content = b'%b,"object":%b}' % (begin, object_json)
    return CanonicalEvent(event, delivery_id, *about, created_us, own_us, beside, content)


def _beginning(event: str) -> bytes:
    found = b'{"event":' + _encode(event)
    if len(_BEGINNINGS) < _MOST_EVENTS:
        _BEGINNINGS[event] = found
    return found


_BEGINNINGS: dict[str, bytes] = {}  # of canonical events, by the names of events that were met
_MOST_EVENTS = 1000


def with_fields(
    one: CanonicalEvent, extra: dict[str, Any] | None, about: dict[str, Any]
) -> CanonicalEvent:
    """The same event with other unknown fields and other fields of its object."""
    return canonical_event(
        one.event_sent,
        one.delivery_id,
        (one.object_type, one.object_id),
        (one.created_us, one.own_us),
        {key: one_spelling.of_value(value) for key, value in (extra or {}).items()},
        one_spelling.in_order(about),
    )


# -- any body that the models accept -------------------------------------------------------------


def spelled(body: dict[str, Any], event: Event, about: Part | None) -> CanonicalEvent:
    """What a body says that the models accept: as ``one_spelling.parse`` read it, and as they did.

    ``about`` is its object as its model read it; None where the contract has no model for it.
    """
    extra = {
        key: one_spelling.of_value(value)
        for key, value in body.items()
        if key not in known_keys(Event)
    }
    if event.created_at is None and is_unset(body.get("created_at")):
        extra["created_at"] = one_spelling.of_value(body["created_at"])
    name = str(event.event)
    created = None if event.created_at is None else micros(event.created_at)
    if about is None:
        object_json = one_spelling.of_value(body["object"])
        own, object_id = names_of_unknown(object_json)
    else:
        fields = _spelled(type(about), about, body["object"])
        object_id = fields["id"]
        history = [one.get("changed_at") for one in fields.get("status_history", ())]
        instants = [one for one in (fields.get("last_updated_at"), *history) if one is not None]
        own = max(instants, default=None)
        object_json = _encode(fields)
    subject = name.split(".", 1)[0]
    return canonical_event(name, event.id, (subject, object_id), (created, own), extra, object_json)


def _spelled(
    model: type[Part], part: Any, given: dict[str, Any], *, is_inner: bool = False
) -> dict[str, Any]:
    columns = {c.path[0]: c.column for c in columns_of(model) if len(c.path) == 1}
    nested, lists = objects_of(model), {one.field: one for one in lists_of(model)}
    found: dict[str, Any] = {}
    for name in model.model_fields:
        value, sent = getattr(part, name), given.get(name)
        inner = sent if isinstance(sent, dict) else {}
        if name in columns:
            value = _spelled_value(columns[name], value, sent)
        elif name in nested:
            value = None if value is None else _spelled(nested[name], value, inner, is_inner=True)
        elif name in lists:
            value = list(_spelled_items(lists[name].item, value, sent))
        if value is not None and value != {} and (value != [] or name in columns):
            found[name] = value
    if not is_inner:
        extra = dict(_unknown(model, given))
        if extra:
            found["extra"] = Raw(joined(extra))
    return found


def _spelled_value(column: Column, value: Any, sent: Any) -> Any:
    if value is None:
        return None
    match column.kind:
        case "text":
            return sent if isinstance(sent, str) else one_spelling.of_value(sent).decode()
        case "instant":
            return micros(value)
        case "date":
            return value.isoformat()
        case "number":
            return value or 0.0
        case "json":
            return Raw(one_spelling.of_value(sent))
    return value


def _spelled_items(item: Any, values: list[Any], sent: Any) -> Iterator[Any]:
    for value, one in zip(values, sent or (), strict=True):
        if isinstance(item, ColumnOf):
            text = _spelled_value(item.column, value, one)
            yield Raw(b"null") if text is None and item.column.kind == "json" else text
        else:
            yield _spelled(item, value, {"id": one} if isinstance(one, str) else one)


def _unknown(model: type[Part], given: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    """The fields of an object that the contract does not know, those of objects in it as well.

    An object's own field that is named like one of an inner object stands in quotes.
    """
    for column in columns_of(model):
        if column.column.kind == "instant" and is_unset(given.get(column.name)):
            yield column.name, one_spelling.of_value(given[column.name])
    inside = keys_inside(model)
    for key in given.keys() - known_keys(model):
        is_alike = inside and (key.startswith('"') or any(key.startswith(f"{x}.") for x in inside))
        yield f'"{key}"' if is_alike else key, one_spelling.of_value(given[key])
    for name, known in inside.items():
        inner = given.get(name)
        if isinstance(inner, dict):
            for key in inner.keys() - known:
                yield f"{name}.{key}", one_spelling.of_value(inner[key])
