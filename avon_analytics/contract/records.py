"""Care teams, documents and tasks."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from avon_analytics.contract.model import AsList, AsObject, AvonObject, Part
from avon_analytics.contract.shared import PersonRef, StatusChange
from avon_analytics.contract.values import (
    CareTeamId,
    DateText,
    DocumentId,
    Flag,
    FreeText,
    Instant,
    Number,
    PrivateJson,
    TaskId,
    Text,
    UserId,
)


class CareTeam(AvonObject):
    """The staff who care for one patient together."""

    object_type: ClassVar[str] = "care_team"
    table: ClassVar[str] = "care_teams"

    id: CareTeamId
    patient: UserId = Field(None, description="The patient")
    account: Text = Field(None, description="The Avon account")
    created_by: UserId = Field(None, description="Who created it")
    created_at: Instant = Field(None, description="When it was created")
    last_updated_at: Instant = Field(None, description="When it last changed")

    members: Annotated[list[PersonRef], AsList] = Field([], description="Members of the team")


class Document(AvonObject):
    """A document about a patient."""

    object_type: ClassVar[str] = "document"
    table: ClassVar[str] = "documents"

    id: DocumentId
    type: Text = Field(None, description="pdf, image or template")
    patient: UserId = Field(None, description="The patient")
    name: FreeText = Field(None, description="The document's name")
    filename: FreeText = Field(None, description="Its file's name")
    score: Number = Field(None, description="Score of a questionnaire")
    share_with_patient: Flag = Field(None, description="Whether the patient may see it")
    file: FreeText = Field(None, description="The file itself, base64")
    sections: PrivateJson = Field(None, description="Filled-in sections of a template, as JSON")
    account: Text = Field(None, description="The Avon account")
    created_by: UserId = Field(None, description="Who created it")
    created_at: Instant = Field(None, description="When it was created")
    last_updated_at: Instant = Field(None, description="When it last changed")

    tags: Annotated[list[FreeText], AsList] = Field([], description="Tags")
    reviews: Annotated[list[PrivateJson], AsList] = Field([], description="Reviews, as JSON")
    signers: Annotated[list[PrivateJson], AsList] = Field([], description="Signers, as JSON")
    status_history: Annotated[list[StatusChange], AsList] = Field(
        [], description="Every status so far, as this version reports it"
    )


class LinkTo(Part):
    """What a task is about."""

    ignored: ClassVar[frozenset[str]] = frozenset()

    object: Text = Field(None, description="Type of the object that the task is about")
    id: Text = Field(None, description="Its id")
    name: FreeText = Field(None, description="Its name")


class Task(AvonObject):
    """Something that a member of staff has to do."""

    object_type: ClassVar[str] = "task"
    table: ClassVar[str] = "tasks"

    id: TaskId
    name: FreeText = Field(None, description="What is to be done")
    description: FreeText = Field(None, description="More about it")
    patient: UserId = Field(None, description="The patient whom it is about")
    assigned_to: UserId = Field(None, description="Who is to do it")
    priority: Text = Field(None, description="low, medium or high")
    due_date: DateText = Field(None, description="By when, as Avon wrote it")
    parent: Text = Field(None, description="The task that it is a part of")
    link_to: Annotated[LinkTo | None, AsObject] = None
    account: Text = Field(None, description="The Avon account")
    created_by: UserId = Field(None, description="Who created it")
    created_at: Instant = Field(None, description="When it was created")
    last_updated_at: Instant = Field(None, description="When it last changed")

    tags: Annotated[list[FreeText], AsList] = Field([], description="Tags")
    status_history: Annotated[list[StatusChange], AsList] = Field(
        [], description="Every status so far, as this version reports it"
    )
