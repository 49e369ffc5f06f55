"""Parts that several objects have: addresses, status changes, custom fields, recurrences."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from avon_analytics.contract.model import Part
from avon_analytics.contract.values import (
    AppointmentId,
    CustomFieldId,
    DateText,
    FreeText,
    Identifier,
    Instant,
    Json,
    OpenJson,
    Place,
    Text,
    UserId,
)


class PersonRef(Part):
    """A person in a list, given by an id alone or by an object with an id."""

    id: UserId = Field(None, description="The person")

    @model_validator(mode="before")
    @classmethod
    def _from_bare_id(cls, value: Any) -> Any:
        return {"id": value} if isinstance(value, str) else value


class StatusChange(Part):
    """One entry of a ``status_history``: a status, since when and by whom."""

    status: Text = Field(None, description="The status word as Avon wrote it")
    changed_by: UserId = Field(None, description="Who changed it")
    changed_at: Instant = Field(None, description="When it changed")
    id: Text = Field(None, description="The entry's own id")
    parent: Text = Field(None, description="The object that the entry belongs to, bare")
    parent_type: Text = Field(None, description="The type of that object")
    reason: FreeText = Field(None, description="Why it changed")


class CustomValue(Part):
    """One custom field of an object; its definition is in no webhook."""

    key: CustomFieldId = Field(None, description="The custom field's id")
    value: OpenJson = Field(None, description="Its value: text, number, boolean or null, as JSON")


class Address(Part):
    """A postal address."""

    nickname: FreeText = Field(None, description="What the patient calls it")
    line1: Identifier = Field(None, description="Street and number")
    line2: Identifier = Field(None, description="Second line of the street address")
    city: Place = Field(None, description="City")
    state: Place = Field(None, description="State, two letters in the USA")
    postal_code: Place = Field(None, description="Postal code")
    country: Place = Field(None, description="Country")
    special_instructions: FreeText = Field(None, description="What a visitor must know")
    id: Text = Field(None, description="The address's own id")
    parent: Text = Field(None, description="The object that the address belongs to, bare")
    parent_type: Text = Field(None, description="The type of that object")
    account: Text = Field(None, description="The Avon account")


class Location(Part):
    """Where a visit takes place."""

    line1: Identifier = Field(None, description="Street and number of the place of the visit")
    line2: Identifier = Field(None, description="Second line of that address")
    city: Place = Field(None, description="City of the place of the visit")
    state: Place = Field(None, description="State of the place of the visit")
    postal_code: Place = Field(None, description="Postal code of the place of the visit")


class VideoCall(Part):
    """The call of a video visit."""

    join_url: Identifier = Field(None, description="Address by which the patient joins the call")
    meeting_id: Identifier = Field(None, description="Id of the call")


class RecurrenceRule(Part):
    """How a recurring visit repeats."""

    id: Text = Field(None, description="The rule's own id")
    type: Text = Field(None, description="Kind of rule")
    frequency: Text = Field(None, description="Daily, weekly, monthly …")
    interval: Text = Field(None, description="Every how many of them")
    by_day: Json = Field(None, description="On which weekdays, as JSON")
    iterations: Text = Field(None, description="How often it repeats")
    ends: Text = Field(None, description="What ends it")
    until: DateText = Field(None, description="When it ends, as Avon wrote it")
    start_time: DateText = Field(None, description="When the first visit starts, as Avon wrote it")
    duration: Text = Field(None, description="How long a visit takes")
    appointment: AppointmentId = Field(None, description="The appointment that it repeats")
    rule_context: Text = Field(None, description="What the rule applies to")
