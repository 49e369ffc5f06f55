"""The kinds of value that Avon sends, each with its spellings, its column type and who may see it.

Every field of the contract is one of the annotated types below. A type reads a JSON value in any
spelling that some generation of Avon used, and says what it expected when it cannot. What it
says never holds the value itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Annotated, Any, Literal
from uuid import uuid4

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from avon_analytics.contract.one_spelling import SpelledNumber

Kind = Literal["text", "id", "instant", "date", "flag", "number", "json"]
Privacy = Literal["identifier", "free_text"]
Keeps = Literal["place", "staff", "label", "sex", "date"]

SQL_TYPES: dict[Kind, str] = {
    "text": "VARCHAR",
    "id": "VARCHAR",
    "instant": "TIMESTAMP WITH TIME ZONE",
    "date": "DATE",
    "flag": "BOOLEAN",
    "number": "DOUBLE",
    "json": "JSON",
}

# The spellings that the engine reads by itself and Python reads alike; both sides use these texts.
INSTANT_PATTERN = (
    r"[1-8]\d{3}-\d\d-\d\d[Tt ]([01]\d|2[0-4]):[0-5]\d(:[0-5]\d(\.\d+)?)?"
    r"([Zz]|[+-]([01]\d|2[0-3])(:?[0-5]\d)?)"
)
EPOCH_MS_PATTERN = r"(\d{1,14}|-\d{1,13})(\.0+)?"
YEAR_PATTERN = r"[1-8]\d{3}"
# Eight digits are left out: as text they look like a compact date, as a number they are 1970.
DATE_EPOCH_PATTERN = r"\d{1,7}|\d{9,14}|-\d{1,7}|-\d{9,13}"
NUMBER_PATTERN = r"-?\d+(\.\d+)?([eE][+-]?\d+)?"

_INSTANT = re.compile(
    r"([1-8]\d{3})-(\d\d)-(\d\d)[Tt ]([01]\d|2[0-4]):([0-5]\d)(?::([0-5]\d)(?:\.(\d+))?)?"
    r"(?:[Zz]|([+-])([01]\d|2[0-3]):?([0-5]\d)?)",
    re.ASCII,
)
_EPOCH_MS = re.compile(EPOCH_MS_PATTERN, re.ASCII)
_DATE = re.compile(r"([1-8]\d{3})-(\d\d)-(\d\d)(?:[T ].*)?", re.ASCII | re.DOTALL)
_DATE_EPOCH = re.compile(DATE_EPOCH_PATTERN, re.ASCII)
DATE_PARTS = ("year", "month", "day")
_YEAR_MONTH_DAY = (re.compile(YEAR_PATTERN, re.ASCII), *[re.compile(r"\d{1,2}", re.ASCII)] * 2)
_NUMBER = re.compile(NUMBER_PATTERN, re.ASCII)
UNSET = datetime(1970, 1, 1, tzinfo=UTC)  # as an instant; a date of birth is what it says


@dataclass(frozen=True, slots=True)
class Column:
    """What a field becomes in a table: its kind, the prefix of its ids, what must be hidden.

    ``keeps`` says what sort of text a limited data set keeps of it, where that is more or less than
    what it keeps of any word of Avon's.
    """

    kind: Kind
    prefix: str | None = None
    privacy: Privacy | None = None
    is_open: bool = False  # what its values mean, the contract does not know
    keeps: Keeps | None = None

    @property
    def in_limited(self) -> str:
        """What a limited data set keeps of it (``all``, ``some`` or ``nothing``), and why."""
        if self.privacy == "free_text":
            return "nothing: somebody typed it"
        if self.privacy == "identifier" and self.kind != "date":
            return "nothing: it identifies a person"
        if self.keeps is not None:
            return _KEPT[self.keeps]
        if self.is_open:
            return "some: flags, dates and small numbers, for nobody says what it means"
        return _KEPT_OF[self.kind]

    @property
    def sql_type(self) -> str:
        """The column's type in the store."""
        return SQL_TYPES[self.kind]


_NO_NUMBER = "nothing that looks like a number or an address of a person"
_KEPT: dict[Keeps, str] = {
    "place": f"some: a place; {_NO_NUMBER}",
    "staff": "all: it is about staff",
    "label": f"some: what figures group by; {_NO_NUMBER}",
    "sex": "all: a code of a known list",
    "date": "some: a date, and no other text",
}
_KEPT_OF: dict[Kind, str] = {
    "text": f"some: a word of Avon's; {_NO_NUMBER}",
    "id": "all: an id",
    "instant": "all: dates stay",
    "date": "all: dates stay",
    "flag": "all: a flag",
    "number": "all: a number",
    "json": "some: weekdays, and numbers of up to three digits",
}


def _refuse(code: str, expected: str) -> PydanticCustomError:
    return PydanticCustomError(code, expected)


class LongNumber(Decimal):
    """A number beyond what readers hold exactly; its text is the one that was sent."""

    def __new__(cls, text: str) -> LongNumber:
        """Read a number."""
        try:
            number = super().__new__(cls, text)
        except InvalidOperation:  # its exponent alone is beyond all bounds
            number = super().__new__(cls, "Infinity")
        number._text = text
        return number

    def __str__(self) -> str:
        return self._text

    _text: str


def as_json(value: Any, default: Callable[[Any], Any] | None = None) -> str:
    """The JSON text of a value, minified; long numbers stand in it as they were sent."""
    mark, long_numbers = uuid4().hex, []

    def beyond(inner: Any) -> Any:
        if isinstance(inner, LongNumber):
            long_numbers.append(str(inner))
            return f"{mark}{len(long_numbers) - 1}"
        if default is None:
            raise TypeError(f"no JSON: {type(inner).__name__}")
        return default(inner)

    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=beyond)
    if long_numbers:
        text = re.sub(f'"{mark}(\\d+)"', lambda match: long_numbers[int(match[1])], text)
    return text


def as_text(value: Any) -> str | None:
    """Read a text; another JSON value is kept as its JSON text, so that nothing is lost."""
    return value if value is None or isinstance(value, str) else as_json(value)


def as_id(value: Any, prefix: str | None) -> str | None:
    """Read an id: ``user_null`` and the like are missing, a bare id gets its field's prefix.

    A number in place of one keeps all its digits.
    """
    text = value.text if isinstance(value, SpelledNumber) else as_text(value)
    if text is None or text in ("", "null") or text.endswith("_null"):
        return None
    if text[:1] in ("{", "["):
        raise _refuse("id", "expected an id as text")
    if prefix and "_" not in text:
        return f"{prefix}_{text}"
    return text


def as_instant(value: Any) -> datetime | None:
    """Read an instant: epoch milliseconds, or ISO 8601 with an offset; digits past µs are cut.

    The instant 0 is what writers put for "not set", in any spelling: it is missing.
    """
    found = None if value is None else _moment(value)
    return None if found == UNSET else found


def is_unset(value: Any) -> bool:
    """Whether a value is a spelling of the instant 0, which stands for a missing one."""
    try:
        return value is not None and _moment(value) == UNSET
    except PydanticCustomError:
        return False


def _moment(value: Any) -> datetime:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    refusal = _refuse(
        "instant",
        "expected epoch milliseconds or ISO 8601 with an offset, between the years 1000 and 8999",
    )
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str) and _EPOCH_MS.fullmatch(value):
        value = int(value.partition(".")[0])
    try:
        if type(value) is int and _EPOCH_MS.fullmatch(str(value)):
            return UNSET + timedelta(milliseconds=value)
        if isinstance(value, str) and (match := _INSTANT.fullmatch(value)):
            return _instant_from(match)
    except (ValueError, OverflowError):
        pass
    raise refusal


def _instant_from(match: re.Match[str]) -> datetime:
    year, month, day, hour, minute, second, fraction, sign, ahead_h, ahead_m = match.groups()
    offset = timedelta(hours=int(ahead_h or 0), minutes=int(ahead_m or 0))
    zone = timezone(-offset if sign == "-" else offset)
    micros = int((fraction or "0")[:6].ljust(6, "0"))
    midnight = datetime(int(year), int(month), int(day), tzinfo=zone)
    since = timedelta(
        hours=int(hour), minutes=int(minute), seconds=int(second or 0), microseconds=micros
    )
    if since > timedelta(days=1):
        raise ValueError("later than 24:00")
    return (midnight + since).astimezone(UTC)


def as_date(value: Any) -> date | None:
    """Read a calendar date: ``{year, month, day}``, ISO date or date-time, epoch milliseconds.

    Of a date-time the day counts as it is written: a date of birth has no time zone.
    """
    if value is None or (isinstance(value, date) and not isinstance(value, datetime)):
        return value
    try:
        if isinstance(value, dict):
            parts = [as_text(value.get(key)) for key in DATE_PARTS]
            if all(part is None for part in parts) and (not value or value.keys() & DATE_PARTS):
                return None
            if all(p.fullmatch(part or "") for p, part in zip(_YEAR_MONTH_DAY, parts, strict=True)):
                return date(*(int(part or 0) for part in parts))
        elif isinstance(value, str) and (match := _DATE.fullmatch(value)):
            return date(*(int(part) for part in match.groups()))
        elif isinstance(value, str) and not _DATE_EPOCH.fullmatch(value):
            pass
        else:
            return _moment(value).date()
    except (ValueError, OverflowError, PydanticCustomError):
        pass
    raise _refuse(
        "date", "expected {year, month, day}, an ISO date or date-time, or epoch milliseconds"
    )


def as_flag(value: Any) -> bool | None:
    """Read true or false, as JSON or as text."""
    if value is None or isinstance(value, bool):
        return value
    if value in ("true", "false") and isinstance(value, str):
        return value == "true"
    raise _refuse("flag", "expected true or false")


def as_number(value: Any) -> float | None:
    """Read a number, as JSON or as text."""
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = as_text(value)
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        number = float(value)
        if abs(number) != float("inf"):
            return number
    raise _refuse("number", "expected a number in the range of a double")


def _id(prefix: str | None) -> BeforeValidator:
    return BeforeValidator(partial(as_id, prefix=prefix))


_text = BeforeValidator(as_text)

# Text is a word that Avon's own software chose; what people typed has a mark of its own.
Text = Annotated[str | None, _text, Column("text")]
Identifier = Annotated[str | None, _text, Column("text", privacy="identifier")]
FreeText = Annotated[str | None, _text, Column("text", privacy="free_text")]
Place = Annotated[str | None, _text, Column("text", keeps="place")]
StaffText = Annotated[str | None, _text, Column("text", keeps="staff")]
Label = Annotated[str | None, _text, Column("text", keeps="label")]
SexText = Annotated[str | None, _text, Column("text", keeps="sex")]
DateText = Annotated[str | None, _text, Column("text", keeps="date")]
Instant = Annotated[datetime | None, BeforeValidator(as_instant), Column("instant")]
Day = Annotated[date | None, BeforeValidator(as_date), Column("date")]
BirthDate = Annotated[date | None, BeforeValidator(as_date), Column("date", privacy="identifier")]
Flag = Annotated[bool | None, BeforeValidator(as_flag), Column("flag")]
Number = Annotated[float | None, BeforeValidator(as_number), Column("number")]
Json = Annotated[Any, Column("json")]
OpenJson = Annotated[Any, Column("json", is_open=True)]
PrivateJson = Annotated[Any, Column("json", privacy="identifier")]

# Ids, by the prefix that completes a bare one.
AppointmentId = Annotated[str | None, _id("appt"), Column("id", "appt")]
AppointmentTypeId = Annotated[str | None, _id("aptp"), Column("id", "aptp")]
CareTeamId = Annotated[str | None, _id("crtm"), Column("id", "crtm")]
CustomFieldId = Annotated[str | None, _id("cfld"), Column("id", "cfld")]
DeliveryId = Annotated[str | None, _id(None), Column("id")]
DocumentId = Annotated[str | None, _id("doc"), Column("id", "doc")]
MedicalCenterId = Annotated[str | None, _id("mctr"), Column("id", "mctr")]
MessageId = Annotated[str | None, _id("msg"), Column("id", "msg")]
TaskId = Annotated[str | None, _id("task"), Column("id", "task")]
UserId = Annotated[str | None, _id("user"), Column("id", "user")]
