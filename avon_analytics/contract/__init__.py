"""The contract: what Avon sends, described once.

Tables, SQL types, the data dictionary and the check in the engine derive from these models. A
new object type is a new model and a new entry in ``OBJECTS``, and nothing else.
"""

from __future__ import annotations

from avon_analytics.contract.appointment import Appointment
from avon_analytics.contract.message import Message
from avon_analytics.contract.model import AvonObject
from avon_analytics.contract.patient import Patient
from avon_analytics.contract.records import CareTeam, Document, Task
from avon_analytics.contract.staff import Provider, Support

OBJECTS: dict[str, type[AvonObject]] = {
    model.object_type: model
    for model in (Patient, Appointment, Message, Provider, Support, CareTeam, Document, Task)
}

# The events that some generation documents; any other is kept, and listed as drift.
EVENTS: frozenset[str] = frozenset(
    f"{subject}.{verb}"
    for subject, verbs in {
        "patient": ("created", "updated"),
        "message": ("created", "deleted"),
        "appointment": (
            *("created", "updated", "started", "in_progress"),
            *("completed", "cancelled", "rescheduled"),
        ),
        "provider": ("created", "updated"),
        "support": ("created", "updated"),
        "care_team": ("updated",),
        "document": ("created", "updated", "deleted"),
        "task": ("updated",),
    }.items()
    for verb in verbs
)

__all__ = ["EVENTS", "OBJECTS", "AvonObject"]
