"""Messages between patients and staff."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from avon_analytics.contract.model import AvonObject
from avon_analytics.contract.values import Flag, FreeText, Instant, MessageId, Text, UserId


class Message(AvonObject):
    """A message in a thread, or an internal note or page."""

    object_type: ClassVar[str] = "message"
    table: ClassVar[str] = "messages"

    id: MessageId
    type: Text = Field(None, description="inAppMessage or in_app_message, textMessage, page, …")
    mode: Text = Field(None, description="text, image, file or video")
    thread: Text = Field(None, description="The thread, in older deliveries")
    message_thread: Text = Field(None, description="The thread, in newer deliveries")
    text: FreeText = Field(None, description="What was written")
    filename: FreeText = Field(None, description="Name of an attached file")
    pagee: UserId = Field(None, description="Who was paged")
    memo: FreeText = Field(None, description="Memo of a page")
    resolved: Flag = Field(None, description="Whether it needs no more answer")
    resolved_at: Instant = Field(None, description="Since when")
    account: Text = Field(None, description="The Avon account")
    created_by: UserId = Field(None, description="Who wrote it")
    created_at: Instant = Field(None, description="When it was written")
    last_updated_at: Instant = Field(None, description="When it last changed")
