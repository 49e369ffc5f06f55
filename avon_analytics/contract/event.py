"""The body of a delivery: an event and the object that it is about."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from avon_analytics.contract.model import Part
from avon_analytics.contract.values import DeliveryId, Instant, Text


class Event(Part):
    """What one webhook call says happened."""

    ignored: ClassVar[frozenset[str]] = frozenset()

    id: DeliveryId = Field(None, description="The delivery id, in the oldest generation")
    event: Text = Field(description="The event's name, such as appointment.completed")
    created_at: Instant = Field(None, description="When the event occurred")
    object: dict[str, Any] = Field(description="The object as it is after the event")

    @field_validator("event", mode="before")
    @classmethod
    def _has_a_name(cls, value: Any) -> str:
        if not isinstance(value, str) or not value:
            raise PydanticCustomError("event", "expected the event's name as text")
        return value

    @field_validator("object", mode="before")
    @classmethod
    def _is_an_object(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            raise PydanticCustomError("object", "expected an object")
        return value


# Two words for one event; tables use the first, ``event_sent`` keeps what came.
SAME_EVENT = {"appointment.in_progress": "appointment.started"}
