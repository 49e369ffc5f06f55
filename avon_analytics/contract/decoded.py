"""Bodies as they usually are, decoded into types made from the models: decoding is checking.

How many keys were read is returned beside: where more stand in the text, one may stand twice.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, Raw

from avon_analytics.contract import OBJECTS, one_spelling
from avon_analytics.contract.canonical import (
    CanonicalEvent,
    canonical_event,
    names_of_unknown,
)
from avon_analytics.contract.decoded_types import Learned, Odd, Shape
from avon_analytics.contract.event import Event

_encode = msgspec.json.Encoder().encode


class Reader:
    """Reads bodies as they usually are; what it has not met before it learns."""

    def __init__(self) -> None:
        self._types: dict[bytes, _Body] = {}

    def read(self, text: bytes, subject: bytes) -> tuple[CanonicalEvent, int]:
        """What a body says whose event is about ``subject``, and how many keys were read of it.

        Raises Odd for a body that is spelled in another way, or is none.
        """
        body = self._types.get(subject)
        if body is None:
            body = self._types[subject] = _Body(subject.decode())
        try:
            return body.read(text)
        except msgspec.ValidationError:
            if not body.learn(text):
                raise Odd from None
        except (msgspec.MsgspecError, ValueError, RecursionError):
            raise Odd from None
        try:
            return body.read(text)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            raise Odd from None


class _Body:
    """Bodies about one type of object."""

    def __init__(self, subject: str) -> None:
        self._subject = subject
        self._learned = Learned()
        self._make()

    def _make(self) -> None:
        model = OBJECTS.get(self._subject)
        self._object = Shape(model, ("object",), self._learned) if model else None
        self._head = Shape(Event, (), self._learned)
        about = self._object.type if self._object else Raw
        self._decode = msgspec.json.Decoder(self._head.made(("object", about))).decode

    def read(self, text: bytes) -> tuple[CanonicalEvent, int]:
        """What a body says, and how many keys it has."""
        value = self._decode(text)
        about = value.object
        extra: dict[str, bytes] = {}
        if value.extra is not UNSET:
            raise Odd
        n = 1 + self._head.settle(value, extra, "")
        event, created = value.event, value.created_at
        if not event or event.split(".", 1)[0] != self._subject:
            raise Odd
        own = object_id = None
        if self._object is not None:
            n += self._object.close(about)
            object_id = about.id
            if object_id is UNSET:
                raise Odd
            if created is UNSET:
                own = _newest_change(about)
            object_json = _encode(about)
        else:
            raw = bytes(about)
            if raw[:1] != b"{":
                raise Odd
            n += raw.count(b'":')
            object_json = one_spelling.of_text(raw)
            own, object_id = names_of_unknown(object_json)
        found = canonical_event(
            event,
            None if value.id is UNSET else value.id,
            (self._subject, object_id),
            (None if created is UNSET else created, own),
            extra,
            object_json,
        )
        return found, n

    def learn(self, text: bytes) -> bool:
        """Look at a body that did not decode; whether there is something new to know."""
        try:
            value = msgspec.json.decode(text)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return False
        if not isinstance(value, dict) or not isinstance(value.get("object"), dict):
            return False
        head = {key: inner for key, inner in value.items() if key != "object"}
        is_new = self._learned.look(Event, (), head)
        if model := OBJECTS.get(self._subject):
            is_new |= self._learned.look(model, ("object",), value["object"])
        if is_new:
            self._make()
        return is_new


def _newest_change(about: Any) -> int | None:
    """The newest change that an object reports."""
    own = [getattr(about, "last_updated_at", UNSET)]
    history = getattr(about, "status_history", UNSET)
    if history is not UNSET:
        own += [entry.changed_at for entry in history]
    return max((one for one in own if one is not UNSET), default=None)
