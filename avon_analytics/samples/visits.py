"""One appointment as it is lived: every decision changes its state, is told, and sets the truth.

The truth of a slot is written down here, when something is decided (cancel, move, complete …),
with the definitions of the specification's section 6. Nothing is ever read back from a payload.
"""

from __future__ import annotations

from random import Random
from typing import Any, NamedTuple

from avon_analytics.samples.facts import Change, Fact, Sent, Slot, Word
from avon_analytics.samples.instants import LAST_WORD, MINUTE, SECOND, vintage_at
from avon_analytics.samples.people import Person


class NotYet(Exception):
    """The archive ends before this decision is taken, so it never happens in it."""


class Snapshot(NamedTuple):
    """The whole appointment after an event, as its webhook carries it."""

    visit: Visit
    start: int
    end: int | None
    history: tuple[Change, ...] | None
    patients: tuple[tuple[Person, bool | None], ...]
    actual_start: int | None
    actual_end: int | None
    updated_at: int


class Visit:
    """An appointment. Its methods are decisions; each first asks whether it still happens."""

    def __init__(
        self,
        rng: Random,
        *,
        host: Person,
        patients: list[Person],
        booked_at: int,
        start: int,
        end: int | None,
        zone: str | None,
        traits: dict[str, Any],
    ) -> None:
        self._rng = rng
        self.hex = f"{rng.getrandbits(128):032x}"
        self.number = rng.randrange(10_000, 9_000_000)
        self.host, self.patients, self.booked_at = host, patients, booked_at
        self.start, self.end, self.zone, self.traits = start, end, zone, traits
        self.history: list[Change] = []
        self.actual_start: int | None = None
        self.actual_end: int | None = None
        self.facts: list[Fact] = []
        self.closed: list[Slot] = []
        self.slots = [Slot(one, 1, start, end) for one in patients] or [Slot(None, 1, start, end)]
        self.started = self.completed = False
        self._flags: dict[str, bool | None] = {one.id: False for one in patients}
        self._untold_moves: list[Slot] = []
        self.last = booked_at

    # What is told, and how

    def _on(self, instant: int) -> int:
        """The instant of the next decision, after the one before; raises if it is too late."""
        instant = max(instant, self.last + 2 * SECOND)
        if instant + 2 * SECOND >= LAST_WORD:
            raise NotYet
        self.last = instant
        return instant

    def _with_time_left(self, instant: int) -> int:
        """As ``_on``, for what takes two steps."""
        if instant + MINUTE >= LAST_WORD:
            raise NotYet
        return self._on(instant)

    def _write(self, status: str, by: str | None, instant: int) -> None:
        self.history.append(Change(status, by, instant))

    def _tell(
        self,
        verb: str,
        instant: int,
        *,
        sent: Sent = "sent",
        exact: bool = False,
        mute: bool = False,
    ) -> int:
        """Makes the webhook, a moment after the change (``exact``: at it; ``mute``: no history)."""
        occurred = instant if exact else instant + self._rng.randrange(1, 900)
        self.last = max(self.last, occurred)
        seen = tuple((one, self._flags[one.id]) for one in self.patients)
        state = Snapshot(
            self,
            self.start,
            self.end,
            None if mute else tuple(self.history),
            seen,
            self.actual_start,
            self.actual_end,
            instant,
        )
        self.facts.append(Fact(occurred, "appointment", verb, state, sent))
        if sent == "sent":
            for slot in self._untold_moves:
                slot.moved_at = occurred
            self._untold_moves.clear()
        return occurred

    def note(self, instant: int, *, forget_flags: bool = False) -> None:
        """Something else changed: an ``appointment.updated`` without a new status word.

        With ``forget_flags`` this version does not tell who did not come; the last one that
        told still counts.
        """
        instant = self._on(instant)
        kept = dict(self._flags)
        if forget_flags:
            self._flags = dict.fromkeys(kept)
        self._tell("updated", instant)
        self._flags = kept

    # Decisions

    def book(self, *, sent: Sent = "sent") -> None:
        self._write("scheduled", self.traits["booked_by"], self.booked_at)
        if self.traits.get("confirmed"):
            self._write("confirmed", self.host.user, self._on(self.booked_at + 5 * SECOND))
        self._tell("created", self.last, sent=sent)

    def cancel(
        self, instant: int, by: str | None, side: str, *, sent: Sent = "sent", mute: bool = False
    ) -> None:
        """``side`` is the truth: patient, provider or unknown. A second one changes nothing."""
        instant = self._on(instant)
        if mute:  # nobody wrote a status: only the webhook's own name tells, and not by whom
            self._set_cancelled(self._tell("cancelled", instant, mute=True), "unknown")
            return
        self._write(self.traits.get("cancel_word", "cancelled"), by, instant)
        self._set_cancelled(instant, side)
        self._tell("cancelled", instant, sent=sent)

    def _set_cancelled(self, instant: int, side: str) -> None:
        for slot in self.slots:
            if slot.word != "cancelled":
                slot.word, slot.cancelled_at, slot.cancelled_by = "cancelled", instant, side

    def reopen(self, instant: int) -> None:
        """Takes a cancellation back. Only generation A has an event for it."""
        instant = self._on(instant)
        self._write("scheduled", self.host.user, instant)
        for slot in self.slots:
            slot.word = slot.cancelled_at = slot.cancelled_by = None
        if vintage_at(instant + SECOND) == "A":
            self._tell("updated", instant)

    def move(self, instant: int, start: int, *, sent: Sent = "sent", noted: bool = True) -> None:
        """Another planned start: the slots end here and new ones begin.

        The moving event is the first version that is trusted and shows the new start. Without
        ``noted`` the status history does not tell of the move.
        """
        instant = self._on(instant)
        if noted:
            self._write("rescheduled", self.traits["booked_by"], instant)
        length = None if self.end is None else self.end - self.start
        self.start, self.end = start, None if length is None else start + length
        for slot in self.slots:
            slot.superseded, slot.moved_to = True, start
            self.closed.append(slot)
            self._untold_moves.append(slot)
        self.slots = [Slot(old.patient, old.number + 1, start, self.end) for old in self.slots]
        self._flags = dict.fromkeys(self._flags, False)
        self._tell("rescheduled", instant, sent=sent)

    def begin(
        self,
        instant: int,
        *,
        tell: bool = True,
        written: bool = True,
        timed: bool = True,
        sent: Sent = "sent",
        exact: bool = False,
    ) -> None:
        """The visit starts. ``written`` in the status history, ``timed`` as actual start."""
        instant = self._on(instant)
        if written:
            if self.traits.get("confirmed") and not exact:
                self._write("checked_in", self.host.user, instant - SECOND)
            self._write(self.traits.get("start_word", "in_progress"), self.host.user, instant)
        if timed and not self.traits["recurring"]:
            self.actual_start = instant
        self.started = True
        self._set_word("in_progress")
        if tell:
            self._tell("started", instant, sent=sent, exact=exact)

    def finish(
        self,
        instant: int,
        *,
        absent: tuple[Person, ...] = (),
        verb: str = "completed",
        written: bool = True,
        mute: bool = False,
    ) -> None:
        """The visit is closed; ``absent`` names the patients who did not come."""
        instant = self._on(instant)
        if written:
            self._write("completed", self.host.user, instant)
        if self.actual_start is not None:
            self.actual_end = instant
        self.completed = True
        self._set_word("completed")
        self._mark(absent)
        self._tell(verb, instant, mute=mute)

    def absent(
        self, instant: int, who: tuple[Person, ...], verb: str, word: str | None = None
    ) -> None:
        """Patients did not come: by their attendance, or by a status word for the visit."""
        instant = self._on(instant)
        if word is not None:
            self._write(word, self.host.user, instant)
            self._set_word("no_show")
        else:
            self._mark(who)
        if verb == "cancelled":  # staff closed it as cancelled: the attendee's flag decides
            self._write("cancelled", self.host.user, instant)
            self._set_word("cancelled")
        self._tell(verb, instant)

    def remove(self, instant: int, patient: Person, *, verb: str) -> None:
        """A patient leaves a group: cancelled, by unknown, at the version that shows it.

        That somebody is missing once the visit has started tells nothing: it is theirs as well.
        """
        instant = self._with_time_left(instant)
        gone = next(slot for slot in self.slots if slot.patient is patient)
        self.patients = [one for one in self.patients if one is not patient]
        if verb == "started":
            self._show_attendees(instant, verb)
            return
        self.slots.remove(gone)
        self.closed.append(gone)
        self._show_attendees(instant, verb)
        gone.removed, gone.cancelled_by = True, "unknown"
        gone.cancelled_at = self.facts[-1].occurred_at

    def join(self, instant: int, patient: Person, *, verb: str) -> None:
        """A patient joins a group that was never moved."""
        instant = self._with_time_left(instant)
        self.patients = [*self.patients, patient]
        self._flags[patient.id] = False
        self.slots.append(Slot(patient, 1, self.start, self.end))
        self._show_attendees(instant, verb)

    def _show_attendees(self, instant: int, verb: str) -> None:
        """Generation A has an update for it; later ones first show it when the visit starts."""
        if verb == "started":
            self.begin(instant)
        else:
            self._tell(verb, instant)

    def _set_word(self, word: Word) -> None:
        for slot in self.slots:
            slot.word = word

    def _mark(self, absent: tuple[Person, ...]) -> None:
        gone = {one.id for one in absent}
        for slot in self.slots:
            if slot.patient is not None:
                slot.no_show = self._flags[slot.patient.id] = slot.patient.id in gone

    # The truth

    def all_slots(self) -> list[Slot]:
        return [*self.closed, *self.slots]

    def stage(self) -> tuple[str, str | None]:
        """The last stage of the funnel that was reached, and where the visit went from there."""
        outcomes = {slot.outcome for slot in self.slots}
        if outcomes == {"no_show"} and not any(slot.removed for slot in self.closed):
            return "booked", "no_show"
        if self.completed:
            return "completed", None
        quiet = "unresolved" if self.slots[0].due else "open"
        if self.started:
            return "started", "cancelled" if outcomes == {"cancelled"} else quiet
        order = ("no_show", "cancelled", "unresolved", "open")
        return "booked", next(word for word in order if word in outcomes)

    def came(self, verb: str) -> bool:
        """Whether the webhook named after this verb was sent and trusted."""
        return any(
            fact.verb == verb
            and fact.sent == "sent"
            and (verb == "created" or vintage_at(fact.occurred_at) != "A")
            for fact in self.facts
        )
