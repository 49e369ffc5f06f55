"""What can happen to an appointment: one short script for each case.

A script only decides; ``Visit`` keeps the truth and makes the webhooks. Some cases can only be
told by one generation of payloads (``appointment.updated`` is generation A's alone); elsewhere
such a script plays its nearest relative, and the truth is that one's.
"""

from __future__ import annotations

from collections.abc import Callable

from avon_analytics.samples.desk import (
    Desk,
    another_start,
    before_start,
    begin_at,
    cancel_by,
    finish,
    happens,
    held,
    in_a,
    length,
    move,
    notice_at,
)
from avon_analytics.samples.facts import moment
from avon_analytics.samples.instants import DAY, vintage_at
from avon_analytics.samples.visits import Visit

Script = Callable[[Visit, Desk], None]


# Cases of attendance


def started_lost(visit: Visit, desk: Desk) -> None:
    """The start's webhook never came; the closing one's status history tells of it."""
    sent = desk.untrusted() if happens(visit.start) else "sent"
    visit.begin(begin_at(visit, desk), sent=sent)
    finish(visit, desk)


def created_lost(visit: Visit, desk: Desk) -> None:
    visit.book(sent=desk.untrusted() if happens(visit.start) else "sent")
    held(visit, desk)


def actual_times_only(visit: Visit, desk: Desk) -> None:
    """No word says that it was held, only its actual times do."""
    if not in_a(visit.start + DAY):
        return held(visit, desk)
    visit.begin(begin_at(visit, desk), tell=False, written=False)
    began = visit.actual_start or visit.start
    return visit.finish(began + length(visit), verb="updated", written=False)


def closed_without_history(visit: Visit, desk: Desk) -> None:
    visit.begin(begin_at(visit, desk))
    mute = vintage_at(visit.start) != "A"
    visit.finish((visit.actual_start or visit.start) + length(visit), mute=mute)


def started_only(visit: Visit, desk: Desk) -> None:
    visit.begin(begin_at(visit, desk))


# Cases of cancellation


def cancelled(who: str) -> Script:
    def script(visit: Visit, desk: Desk) -> None:
        cancel_by(visit, desk, who)

    return script


def started_then_cancelled(visit: Visit, desk: Desk) -> None:
    visit.begin(begin_at(visit, desk))
    cancel_by(visit, desk, "host", (visit.actual_start or visit.start) + moment(desk.rng, 0.1, 1))


def cancelled_then_held(visit: Visit, desk: Desk) -> None:
    """Cancelled, and held all the same: the newest word decides."""
    cancel_by(visit, desk, "patient", before_start(visit, desk))
    held(visit, desk)


def cancelled_twice(visit: Visit, desk: Desk) -> None:
    """The patient cancels, then the host does: the first word of the run decides."""
    cancel_by(visit, desk, "patient", before_start(visit, desk, 0.1, 0.4))
    cancel_by(visit, desk, "host", before_start(visit, desk))


def cancelled_without_history(visit: Visit, desk: Desk) -> None:
    when = notice_at(visit, desk)
    if vintage_at(when) == "A":
        return visit.cancel(when, None, "unknown")
    return visit.cancel(when, None, "unknown", mute=True)


def cancel_told_late(visit: Visit, desk: Desk) -> None:
    """The cancellation's webhook is lost; a later update carries it in the status history."""
    when = before_start(visit, desk)
    if not in_a(visit.start + 2 * DAY):
        return cancel_by(visit, desk, "patient", when)
    by = desk.reference(visit.patients[0].id)
    visit.cancel(when, by, "patient", sent=desk.untrusted())
    return visit.note(when + moment(desk.rng, 1, 30))


def cancelled_then_moved(visit: Visit, desk: Desk) -> None:
    """A later start undoes the cancellation for the new slot, not for the old one."""
    who = desk.rng.choice(("patient", "host"))
    cancel_by(visit, desk, who, before_start(visit, desk, 0.2, 0.6))
    move(visit, desk, later=True)
    if desk.rng.random() < 0.6:
        held(visit, desk)


def undone_then_held(visit: Visit, desk: Desk) -> None:
    cancel_by(visit, desk, "patient", before_start(visit, desk, 0.2, 0.5))
    if happens(visit.start):
        visit.reopen(before_start(visit, desk))
        held(visit, desk)


def undone_then_quiet(visit: Visit, desk: Desk) -> None:
    if not in_a(visit.start):
        return cancelled_then_moved(visit, desk)
    cancel_by(visit, desk, "host", before_start(visit, desk, 0.2, 0.5))
    return visit.reopen(before_start(visit, desk))


# Cases of moving


def moved(then: Script) -> Script:
    def script(visit: Visit, desk: Desk) -> None:
        move(visit, desk)
        then(visit, desk)

    return script


def moved_twice(visit: Visit, desk: Desk) -> None:
    move(visit, desk)
    move(visit, desk)
    held(visit, desk)


def moved_back(visit: Visit, desk: Desk) -> None:
    first = visit.start
    when = before_start(visit, desk, 0.1, 0.4)
    visit.move(when, another_start(visit, desk, when, later=True))
    visit.move(visit.last + int((first - visit.last) * 0.6), first)
    held(visit, desk)


def moved_untold(visit: Visit, desk: Desk) -> None:
    """The move's webhook is lost: the next event shows another start, and is the moving one."""
    when = before_start(visit, desk)
    new = another_start(visit, desk, when)
    if in_a(new + DAY) or not happens(new):
        return visit.move(when, new)
    visit.move(when, new, sent=desk.untrusted(), noted=False)
    visit.begin(begin_at(visit, desk), exact=True)
    return finish(visit, desk)


# Cases of no-show


def no_show(visit: Visit, desk: Desk) -> None:
    """Told by the attendee's flag, in an update or in the event that closes the visit."""
    when = visit.start + moment(desk.rng, 0.3, 3)
    everybody = tuple(visit.patients)
    if not in_a(when):
        return visit.finish(when, absent=everybody)
    visit.absent(when, everybody, "updated")
    if desk.one_in(3) and in_a(when + DAY):
        visit.note(when + moment(desk.rng, 1, 20), forget_flags=True)
    return None


def no_show_word(visit: Visit, desk: Desk) -> None:
    when = visit.start + moment(desk.rng, 0.3, 3)
    if not in_a(when):
        return no_show(visit, desk)
    word = desk.rng.choice(("noShow", "no_show"))
    return visit.absent(when, (), "updated", word)


def no_show_cancelled(visit: Visit, desk: Desk) -> None:
    """The desk closes the visit as cancelled; the attendee's standing flag decides."""
    when = visit.start + moment(desk.rng, 0.3, 3)
    visit.absent(when, tuple(visit.patients), "cancelled")


def no_show_corrected(visit: Visit, desk: Desk) -> None:
    no_show(visit, desk)
    visit.finish(visit.last + moment(desk.rng, 0.5, 20))


def no_show_then_moved(visit: Visit, desk: Desk) -> None:
    when = visit.start + moment(desk.rng, 0.3, 3)
    everybody = tuple(visit.patients)
    visit.absent(when, everybody, "updated" if in_a(when) else "cancelled")
    later = visit.last + moment(desk.rng, 1, 40)
    visit.move(later, another_start(visit, desk, later, later=True))
    if desk.rng.random() < 0.6:
        held(visit, desk)


# Groups


def group_held(visit: Visit, desk: Desk) -> None:
    """Some come and some do not; at least one of each."""
    visit.begin(begin_at(visit, desk))
    absent = tuple(desk.rng.sample(visit.patients, desk.rng.randrange(1, len(visit.patients))))
    visit.finish((visit.actual_start or visit.start) + length(visit), absent=absent)


def group_left(visit: Visit, desk: Desk) -> None:
    """One patient is no longer among the attendees of a later version."""
    one = desk.rng.choice(visit.patients)
    when = before_start(visit, desk)
    if in_a(when):
        visit.remove(when, one, verb="updated")
        return held(visit, desk)
    visit.remove(begin_at(visit, desk), one, verb="started")
    return finish(visit, desk)


def group_joined(visit: Visit, desk: Desk) -> None:
    held_back = visit.traits["late_comer"]
    when = before_start(visit, desk)
    if in_a(when):
        visit.join(when, held_back, verb="updated")
        return held(visit, desk)
    visit.join(begin_at(visit, desk), held_back, verb="started")
    return finish(visit, desk)


def group_cancelled(visit: Visit, desk: Desk) -> None:
    cancel_by(visit, desk, desk.rng.choice(("host", "support", "null")))


def mixed(visit: Visit, desk: Desk) -> None:
    """An ordinary fate, for the cards whose point lies elsewhere (a clock change, no end …)."""
    drawn = desk.rng.random()
    if drawn < 0.6:
        held(visit, desk)
    elif drawn < 0.8:
        cancel_by(visit, desk, desk.rng.choice(("patient", "host")))
    elif drawn < 0.9 and visit.patients:
        no_show(visit, desk)
