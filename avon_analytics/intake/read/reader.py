"""From a line to what it says: its form, the word on its signature, its event, or why it has none.

Most lines are decoded into types that are made from the contract, and decoding is checking. What
does not decode, or holds more keys than were decoded, takes the slow lane: strict JSON and the
models, which bring it to the same event or explain every error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from avon_analytics.contract import OBJECTS, one_spelling
from avon_analytics.contract.canonical import CanonicalEvent, micros, spelled
from avon_analytics.contract.decoded import Reader as BodyReader
from avon_analytics.contract.decoded_types import Odd
from avon_analytics.contract.event import Event
from avon_analytics.contract.values import as_text, is_unset
from avon_analytics.intake.archive.batch import Batch, Lines
from avon_analytics.intake.read.codes import CODE_OF_WORD, Policy
from avon_analytics.intake.read.envelope import (
    NO_BODY,
    RECEIVED_PATHS,
    Body,
    EnvelopeReader,
    Mismatch,
    Usual,
    compact,
    envelope_of,
    received_us,
)
from avon_analytics.intake.read.faults import Fault, Verdict, faults_of, verdict
from avon_analytics.intake.read.keys_seen import doubtful
from avon_analytics.intake.read.signature import Secrets, Verifier

_T = TypeVar("_T")
_U = TypeVar("_U")
_NEVER = 2**62
# What is raised where a line is not as most are: the slow lane says what it is.
_UNUSUAL = (msgspec.MsgspecError, Odd, ValueError, ArithmeticError, RecursionError)
_SUBJECT = re.compile(rb'"event"\s*:\s*"([A-Za-z]\w*)\.')
_USUAL_INSTANT = re.compile(
    r"(?:199\d|2\d{3})-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-](?:0\d|1[0-5]):\d\d)",
    re.ASCII,
)


class Line(msgspec.Struct, gc=False):
    """What a line says, or why it says nothing."""

    form: str | None = None
    word: str | None = None  # on its signature; None where it is no delivery
    secret: str | None = None
    received_us: int | None = None
    unset_receipt: str | None = None  # the receipt as sent where it is 0: not set
    canonical: CanonicalEvent | None = None
    event_id: str | None = None
    occurred_us: int = 0
    source: str | None = None
    digest: bytes = b""  # of the canonical event
    rank: bytes = b""  # the smaller wins a conflict
    verdict: Verdict | None = None
    mismatch: Mismatch | None = None  # to find its cause

    @property
    def event(self) -> CanonicalEvent:
        """What a line reports that has no verdict."""
        assert self.canonical is not None
        return self.canonical

    @property
    def is_no_json(self) -> bool:
        """Whether it may hold several values: each of them would be a line."""
        return self.word is None and self.verdict is not None and self.verdict.code in NO_JSON


class _Fast(msgspec.Struct, gc=False):
    """A line that is spelled as lines usually are, as far as it was read."""

    envelope: Usual
    signed: bytes
    line: Line
    n_inner: int = 0  # keys of its body


class LineReader:
    """Reads lines under a policy and some secrets.

    ``keeps`` says what a store keeps of what a body says, where that is not all. Where
    ``only_signatures`` are asked for, a line need not have an event.
    """

    def __init__(
        self,
        policy: Policy,
        secrets: Secrets | None,
        keeps: Callable[[CanonicalEvent], CanonicalEvent] | None = None,
        *,
        only_signatures: bool = False,
    ) -> None:
        self.n_read = 0  # lines, for progress
        self._policy = policy
        self._keeps = keeps
        self._only_signatures = only_signatures
        self._verifier = None if secrets is None else Verifier(secrets)
        self._envelopes = EnvelopeReader()
        self._bodies = BodyReader()

    def read(self, contents: Sequence[bytes]) -> list[Line]:
        """What each of some lines says.

        Each step is taken for all lines before the next one, so that what it needs stays in the
        processor's caches; line by line all of it takes a quarter longer.
        """
        usual = _each(self._envelopes.read, dict(enumerate(contents)))
        fast = _each(self._identified, _each(self._decoded, _each(self._trusted, usual)))
        for nth in _doubtful(contents, fast):
            del fast[nth]
        self.n_read += len(contents)
        return [
            fast[nth].line if nth in fast else self.read_one(content)
            for nth, content in enumerate(contents)
        ]

    def _trusted(self, envelope: Usual) -> _Fast:
        """A line whose signature is right, where the policy asks for one."""
        form, signed = envelope.form, envelope.body
        received = None if envelope.received is None else _usual_instant(envelope.received)
        secret, word = None, "unchecked"
        if self._policy != "skip":
            signature = envelope.signature
            if not signature or self._verifier is None:
                raise Odd
            secret, word = self._verifier.matching(signed, signature), "verified"
            if secret is None:
                if form != "parsed":
                    raise Odd
                signed = compact(envelope.body)
                secret = self._verifier.matching(signed, signature)
                if secret is None:
                    raise Odd
        return _Fast(envelope, signed, Line(form, word, secret, received))

    def _decoded(self, fast: _Fast) -> _Fast:
        """The same with what its body says."""
        body = fast.envelope.body
        subject = _SUBJECT.search(body)
        if subject is None:
            raise Odd
        fast.line.canonical, fast.n_inner = self._bodies.read(body, subject[1])
        return fast

    def _identified(self, fast: _Fast) -> _Fast:
        """The same with the name of its event."""
        self._identify(fast.line, fast.signed)
        return fast

    # -- the slow lane ------------------------------------------------------------------------

    def read_one(self, content: bytes) -> Line:
        """What any line says."""
        try:
            return self._read_one(content)
        except RecursionError:
            return Line(verdict=verdict("not_json", "nested too deeply to check"))

    def _read_one(self, content: bytes) -> Line:
        try:
            text = content.decode()
        except UnicodeDecodeError as error:
            return Line(verdict=verdict("not_utf8", f"expected UTF-8, at byte {error.start}"))
        value = _parsed(text)
        if isinstance(value, Verdict):
            return Line(verdict=value)
        if isinstance(value, list):
            return Line(verdict=verdict("not_a_delivery", NO_BODY))
        if not isinstance(value, dict):
            return Line(verdict=verdict("not_json", "expected an object, from { on"))
        line, faults = Line(), list[Fault]()
        envelope = envelope_of(value, content)
        if envelope.expected:
            path = "body" if envelope.expected == "expected base64" else ""
            faults.append(Fault(path, envelope.expected))
        try:
            line.received_us = received_us(envelope.received)
            if envelope.received and is_unset(envelope.received[0]):
                line.unset_receipt = as_text(envelope.received[0])
        except ValueError:
            expected = "expected epoch milliseconds or ISO 8601 with an offset"
            faults.append(Fault(" or ".join(RECEIVED_PATHS), expected))
        if faults:
            return Line(verdict=Verdict("not_a_delivery", tuple(faults)))
        body = self._verified(line, envelope.bodies, envelope.signature)
        if line.verdict is None and not self._only_signatures:
            self._tell(line, body)
        return line

    def _verified(self, line: Line, bodies: Sequence[Body], signature: str) -> Body:
        """The body of a line, and what its signature is worth."""
        body = bodies[0]
        line.form, line.word = body.form, "unchecked"
        if self._policy == "skip" or self._verifier is None:
            return body
        if not signature:
            line.word = "unsigned"
        else:
            for one in bodies:
                for signed in one.signed:
                    if (name := self._verifier.matching(signed, signature)) is not None:
                        line.form, line.word, line.secret = one.form, "verified", name
                        return Body(one.form, one.text, (signed,))
            line.word = "unverifiable" if body.form == "parsed" else "mismatch"
        if self._policy == "require":
            code = CODE_OF_WORD[line.word]
            line.verdict = verdict(code, _EXPECTED[code])
            if line.word == "mismatch":
                sent = tuple(signed for one in bodies for signed in one.signed)
                line.mismatch = Mismatch(signature, sent)
        return body

    def _tell(self, line: Line, body: Body) -> None:
        canonical = event_of(body.text)
        if isinstance(canonical, Verdict):
            line.verdict = canonical
            return
        line.canonical = canonical
        self._identify(line, body.signed[0])

    def _identify(self, line: Line, signed: bytes) -> None:
        if self._keeps is None:
            _identify(line, signed)
        else:  # nothing is said of what is not kept
            assert line.canonical is not None
            line.canonical = self._keeps(line.canonical)
            _identify(line, line.canonical.content)


def _each(step: Callable[[_T], _U], lines: dict[int, _T]) -> dict[int, _U]:
    """What a step makes of some lines, without those that are not as most are."""
    found = {}
    for nth, line in lines.items():
        try:
            found[nth] = step(line)
        except _UNUSUAL:
            continue
    return found


def _doubtful(contents: Sequence[bytes], lines: dict[int, _Fast]) -> list[int]:
    """The lines of which a decoder may have passed over something."""
    read = list(lines.values())
    found = doubtful(
        [contents[nth] for nth in lines],
        [one.envelope.body for one in read],
        n_around=[one.envelope.n_keys for one in read],
        n_inner=[one.n_inner for one in read],
        is_hidden=[one.envelope.form == "base64" for one in read],
    )
    nths = list(lines)
    return [nths[at] for at in found]


def read_batch(reader: LineReader, batch: Batch) -> tuple[Batch, npt.NDArray[np.int64], list[Line]]:
    """The batch as it was read, the numbers of its readable lines, and what each says."""

    def read(lines: Lines) -> list[Line]:
        return [line for part in lines.parts(READ_AT_A_TIME) for line in reader.read(part)]

    def no_json(lines: list[Line]) -> list[int]:
        return [at for at, line in enumerate(lines) if line.is_no_json]

    return read_each_value(batch, read, no_json)


def read_each_value(
    batch: Batch, read: Callable[[Lines], _T], no_json: Callable[[_T], Sequence[int]]
) -> tuple[Batch, npt.NDArray[np.int64], _T]:
    """The batch as it was read, the numbers of its readable lines, and what ``read`` made of them.

    A line that is no JSON may hold several values: each of them is a line then. ``no_json`` gives
    the places of such lines among those read.
    """
    while True:
        nths = np.flatnonzero(batch.readable)
        found = read(Lines.of(batch, nths))
        cut = batch.cut(nths[list(no_json(found))].tolist())
        if cut is batch:
            return batch, nths, found
        batch = cut


NO_JSON = ("not_json", "not_utf8")
READ_AT_A_TIME = 1000  # lines: what is held of them meanwhile stays in the processor's caches


def event_of(text: bytes) -> CanonicalEvent | Verdict:
    """What any body says, or everything that is wrong with it."""
    try:
        value = _parsed(text.decode())
        if isinstance(value, Verdict):
            return value
        return _checked(value)
    except UnicodeDecodeError:
        return verdict("not_utf8", "expected UTF-8")
    except (RecursionError, one_spelling.NotJsonError):
        return verdict("not_json", "nested too deeply to check")


def _checked(value: Any) -> CanonicalEvent | Verdict:
    faults: list[Fault] = []
    event: Event | None = None
    about = None
    try:
        event = Event.model_validate(value)
    except ValidationError as error:
        faults += faults_of(error, ())
    if isinstance(value, dict) and isinstance(value.get("object"), dict):
        model = OBJECTS.get(str(value.get("event")).split(".")[0])
        if model is not None:
            try:
                about = model.model_validate(value["object"])
            except ValidationError as error:
                faults += faults_of(error, ("object",))
    if faults or event is None:
        return Verdict("contract", tuple(faults))
    return spelled(value, event, about)


def _parsed(text: str) -> Any:
    try:
        return one_spelling.parse(text)
    except one_spelling.NotJsonError as error:
        at = "" if error.where is None else f", reading stopped at character {error.where}"
        return verdict("not_json", error.expected + at)
    except one_spelling.RepeatedKeyError:
        return verdict("duplicate_keys", "expected each key of an object once")


def _usual_instant(value: Any) -> int:
    """When a line was received, where that is an instant in a usual spelling."""
    if value.__class__ is int and 0 < value < 10**14:
        return value * 1000
    if value.__class__ is not str or _USUAL_INSTANT.fullmatch(value) is None:
        raise Odd
    return micros(datetime.fromisoformat(value))


def _identify(line: Line, signed: bytes) -> None:
    """Name and date the event of a line, and say how it stands in a conflict."""
    canonical = line.event
    line.digest = digest = sha256(canonical.content).digest()[:16]
    received, at = line.received_us, canonical.created_us
    # Of one that has no instant of its own, what it says takes its place.
    when: int | str
    if at is not None:
        line.source, when = "event", at // 1000
    elif (at := canonical.own_us) is not None:
        line.source, when = "object", at // 1000
    else:
        when, at = digest.hex(), received
        line.source = "received"
        if at is None:
            line.verdict = _UNDATED
            return
    line.occurred_us = at
    name = f"{canonical.event}:{canonical.object_id or ''}:{when}"
    delivery_id = canonical.delivery_id
    line.event_id = name if delivery_id is None else f"{delivery_id}:{name}"
    first = _NEVER if received is None else received + (1 << 60)
    if line.word != "verified":
        first |= 1 << 63
    line.rank = first.to_bytes(8, "big") + sha256(signed).digest()[:8]


_UNDATED = verdict(
    "contract", "expected an instant: in the event, its object or its envelope", "created_at"
)
_EXPECTED = {
    "unsigned": "expected a signature in the header avon-signature",
    "unverifiable": "expected the body as it was sent; it was parsed, so its bytes are lost",
    "signature_mismatch": "expected the HMAC-SHA256 of the body under one of the secrets",
}
