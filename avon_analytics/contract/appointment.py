"""Appointments: visits, calls and internal meetings."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from avon_analytics.contract.model import AsList, AsObject, AvonObject, Part
from avon_analytics.contract.shared import (
    CustomValue,
    Location,
    RecurrenceRule,
    StatusChange,
    VideoCall,
)
from avon_analytics.contract.values import (
    AppointmentId,
    AppointmentTypeId,
    Flag,
    FreeText,
    Identifier,
    Instant,
    Label,
    Text,
    UserId,
)


class VisitStatusChange(StatusChange):
    """One entry of a visit's ``status_history``, whose reason figures group by."""

    reason: Label = Field(None, description="Why it changed, as somebody typed it")


class Attendee(Part):
    """One person at an appointment: a patient, the host, an observer or other staff."""

    id: Text = Field(None, description="The attendance's own id")
    attendee: UserId = Field(None, description="The person")
    appointment: AppointmentId = Field(None, description="The appointment")
    attendance_status: Text = Field(None, description="The person's answer to the invitation")
    no_show: Flag = Field(None, description="Whether the person did not come")
    payment_status: Text = Field(None, description="Whether the visit is paid")
    is_observer: Flag = Field(None, description="Whether the person only looks on")
    actual_start_time: Instant = Field(None, description="When the person's visit started")
    actual_end_time: Instant = Field(None, description="When the person's visit ended")
    appointment_occurrence: Text = Field(None, description="Which visit of a recurring series")
    last_updated_at: Instant = Field(None, description="When the attendance last changed")
    account: Text = Field(None, description="The Avon account")


class Appointment(AvonObject):
    """A visit, a call or an internal meeting, as it is after the event."""

    object_type: ClassVar[str] = "appointment"
    table: ClassVar[str] = "appointments"

    id: AppointmentId
    name: Label = Field(None, description="The visit's name, as shown in the calendar")
    description: FreeText = Field(None, description="What the visit is about")
    appointment_type: AppointmentTypeId = Field(None, description="The appointment type")
    interaction_type: Text = Field(None, description="video_call, in_person, …")
    type: Text = Field(None, description="Avon's newer word for the kind of appointment")
    group: Flag = Field(None, description="Whether it is a group visit")
    internal: Flag = Field(None, description="Whether it is a meeting of staff, without a patient")
    recurring: Flag = Field(None, description="Whether it is a recurring series")
    start_time: Instant = Field(None, description="Planned start")
    end_time: Instant = Field(None, description="Planned end")
    actual_start_time: Instant = Field(None, description="When it started")
    actual_end_time: Instant = Field(None, description="When it ended")
    timezone: Text = Field(None, description="IANA time zone of the visit")
    host: UserId = Field(None, description="The member of staff whose visit it is")
    patient: UserId = Field(None, description="The patient; usually missing, see the attendees")
    generated_from_type: Text = Field(
        None, description="rule or override, where the patient booked it themself"
    )
    generated_from: Text = Field(None, description="The availability that it was booked from")
    recurrenceId: Text = Field(None, description="The recurring series")  # noqa: N815
    location: Annotated[Location | None, AsObject] = None
    video_call: Annotated[VideoCall | None, AsObject] = None
    visit_note: Text = Field(None, description="The visit note's id")
    external_id: Identifier = Field(None, description="The visit's id in another system")
    service_facility: Text = Field(None, description="Where the service is rendered")
    account: Text = Field(None, description="The Avon account")
    created_by: UserId = Field(None, description="Who booked it")
    created_at: Instant = Field(None, description="When it was booked")
    last_updated_at: Instant = Field(None, description="When it last changed")

    attendees: Annotated[list[Attendee], AsList] = Field([], description="Who takes part")
    reference_patients: Annotated[list[UserId], AsList] = Field(
        [], description="Patients whom an internal meeting is about"
    )
    status_history: Annotated[list[VisitStatusChange], AsList] = Field(
        [], description="Every status so far, as this version reports it"
    )
    recurrence_rules: Annotated[list[RecurrenceRule], AsList] = Field(
        [], description="How the visit repeats"
    )
    custom_data: Annotated[list[CustomValue], AsList] = Field([], description="Custom fields")
